#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/connector/split.h"
#include "common/time/event_time.h"
#include "state/keyed/keyed_state_increment.h"
#include "state/operator/operator_state_parts.h"

namespace weir {
class FrozenOperatorState;
class FrozenState;
}  // namespace weir

namespace weir::taskmanager {

/// What one operator of a task contributes to a checkpoint. Empty parts stay empty.
struct OperatorSnapshotData {
  std::string uid;
  std::vector<SourceSplit> splits;        // sources: positions behind the last record before it
  std::string state;                      // transforms; of a restored keyed one its manifest
  std::vector<std::string> committables;  // sinks: what a permit of this epoch commits
  std::vector<std::string> committable_texts = {};  // the same for people
  /// Keyed state as of the barrier, still to be written, beside the task.
  std::shared_ptr<const FrozenState> keyed = {};
  /// Restored: the files that the manifest names, on this machine.
  std::vector<KeyedStateFile> files = {};
  /// Of keyed state whose groups are partitions: "4 partitions by murmur2"; empty: by hash.
  std::string keying = {};
  /// Operator state as of the barrier, still to be written, beside the task.
  std::shared_ptr<const FrozenOperatorState> operator_state = {};
  /// The same, written; restored ones have theirs beside the snapshots, from all subtasks.
  std::optional<OperatorStateObjects> operator_objects = {};
};

/// How long the parts of a snapshot took, on the task's thread and in its sinks.
struct SnapshotTimes {
  absl::Duration alignment;  // from the first barrier to the last one
  absl::Duration sync;       // taking it: nothing else ran on the task's thread
  absl::Duration prepare;    // until all sinks were prepared
};

/// One task's part of a checkpoint: every operator of the chain, first to last, each as of exactly
/// the records before the barrier.
struct TaskSnapshotData {
  std::vector<OperatorSnapshotData> operators;
  /// Of its input channels together: what the operators have got, and may not have worked off yet.
  /// Sources have one per split instead.
  std::optional<EventTime> input_watermark{};
  SnapshotTimes times{};

  /// Null when the operator is not part of it.
  const OperatorSnapshotData* Find(const std::string& uid) const {
    for (const OperatorSnapshotData& one : operators) {
      if (one.uid == uid) return &one;
    }
    return nullptr;
  }
};

}  // namespace weir::taskmanager

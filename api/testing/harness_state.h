#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"

#include "common/time/clock.h"
#include "proto/checkpoint.pb.h"
#include "state/keyed/keyed_state_backend.h"
#include "taskmanager/task/task_builder.h"
#include "taskmanager/task/task_snapshot.h"
#include "weir/testing/operator_harness_core.h"

namespace weir::internal {

/// The keyed state of the operators under test: what a worker has for a job's state.backend.
///
/// Life cycle: outlives the tasks that use its factory; what it has written goes with it.
/// Threads: one at a time.
class HarnessState {
 public:
  explicit HarnessState(const testing::HarnessOptions& options);
  ~HarnessState();
  HarnessState(const HarnessState&) = delete;
  HarnessState& operator=(const HarnessState&) = delete;

  /// Null for state in memory. UNKNOWN, from what it makes: the temporary folder cannot be had.
  taskmanager::KeyedStateFactory Factory(const Clock& clock);
  /// Takes what is kept in files out of the message: ToProto and FromProto know of none.
  absl::Status Restore(const proto::TaskSnapshot& message, taskmanager::TaskSnapshotData* data);

  /// In the backend's own form, as a checkpoint has it, into state and files of the operator.
  static absl::Status Write(const FrozenState& frozen, taskmanager::OperatorSnapshotData* data);
  /// Puts the contents of the files into the message.
  static absl::Status AddFiles(const taskmanager::TaskSnapshotData& data,
                               proto::TaskSnapshot* message);

 private:
  struct Files;

  absl::Status OpenFiles();

  const bool rocks_;
  const size_t memory_bytes_;
  std::unique_ptr<Files> files_;  // when there are any
};

}  // namespace weir::internal

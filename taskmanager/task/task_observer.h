#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::taskmanager {

/// Why a task failed, in terms its user knows.
struct TaskFailure {
  std::string operator_uid;  // empty when no operator is to blame
  std::string operator_name;
  absl::Status status;
  /// "topic flights, partition 3, offset 17 to offset 42" for the batch that was being processed;
  /// empty when unknown. Never the content of a record.
  std::string position;

  /// One sentence out of the above.
  std::string ToString() const;
};

/// Hears what happens to a task.
///
/// Threads: every call on the task's thread, in the order the things happened; implementations post
/// to their own executor and return at once. Must outlive the task.
class TaskObserver {
 public:
  virtual ~TaskObserver() = default;
  /// The operators are open and state is restored; records flow from now on.
  virtual void OnRunning(SubtaskId subtask) = 0;
  /// The answer to one barrier: everything up to it is in the snapshot and every sink is prepared;
  /// or an error: this task declines the attempt and goes on. Snapshots come in barrier order.
  virtual void OnSnapshot(SubtaskId subtask, Epoch epoch, LeaderTerm attempt,
                          absl::StatusOr<TaskSnapshotData> snapshot) = 0;
  /// All sinks of the task have committed everything up to and including `epoch`.
  virtual void OnCommitted(SubtaskId subtask, Epoch epoch) = 0;
  /// The input is over and all operators are flushed. The task still answers checkpoints and
  /// commits, until it is cancelled.
  virtual void OnFinished(SubtaskId subtask) = 0;
  /// At most once; nothing follows it.
  virtual void OnFailed(SubtaskId subtask, const TaskFailure& failure) = 0;
};

}  // namespace weir::taskmanager

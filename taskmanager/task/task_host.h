#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "taskmanager/task/task.h"

namespace weir::taskmanager {

/// A step that has not come back yet.
struct StalledStep {
  SubtaskId subtask;
  std::string task_name;
  std::string operator_name;  // empty: in the task itself
  std::string position;       // of the record, or of the batch; empty when unknown
  absl::Duration running_for;

  /// "operator 'Enrich' of task 1.0 (flights -> Enrich) has been running for 12s, at topic flights,
  /// partition 3, offset 1234".
  std::string ToString() const;
};

/// Steps tasks: on the thread of a slot in a worker, from the event queue in the simulator.
/// Threads: any for all calls.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  /// The task is stepped from now on, whenever it is ready, until it is done.
  virtual void AddTask(std::shared_ptr<Task> task) = 0;
  /// Cancels every task added so far; `done` is called, on the host's thread, when they are closed
  /// and let go. None of them is stepped afterwards.
  virtual void RemoveAll(std::function<void()> done) = 0;
  /// The step under way, when it has been for `threshold` or longer.
  virtual std::optional<StalledStep> FindStall(absl::Duration threshold) const = 0;
};

}  // namespace weir::taskmanager

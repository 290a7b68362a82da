#pragma once

#include <functional>
#include <memory>

#include "taskmanager/task/task.h"

namespace weir::taskmanager {

/// Steps tasks: on the thread of a slot in a worker, from the event queue in the simulator.
/// Threads: any for both calls.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  /// The task is stepped from now on, whenever it is ready, until it is done.
  virtual void AddTask(std::shared_ptr<Task> task) = 0;
  /// Cancels every task added so far; `done` is called, on the host's thread, when they are closed
  /// and let go. None of them is stepped afterwards.
  virtual void RemoveAll(std::function<void()> done) = 0;
};

}  // namespace weir::taskmanager

#pragma once

#include <functional>
#include <vector>

#include "common/exec/mutex.h"

namespace weir::taskmanager {

/// How other threads reach a task: closures that the task runs at the start of its next step, and
/// wake-ups without one. Shared by the task and by every callback it hands out, so that a late
/// callback of a sink or a reader reaches a mailbox and not a dead task.
///
/// Threads: any.
class TaskMailbox {
 public:
  TaskMailbox() = default;
  TaskMailbox(const TaskMailbox&) = delete;
  TaskMailbox& operator=(const TaskMailbox&) = delete;

  /// Called, under the mailbox's lock, whenever the task should be stepped; it must be cheap and
  /// must not call the mailbox. After SetWakeup(nullptr) returned, no call is under way or follows.
  void SetWakeup(std::function<void()> wakeup);

  void Post(std::function<void()> command);
  void Wake();
  /// Everything posted so far, in order.
  std::vector<std::function<void()>> TakeAll();
  /// Drops what is queued and everything posted later: the task is gone.
  void Close();

 private:
  Mutex mutex_;
  std::vector<std::function<void()>> commands_ WEIR_GUARDED_BY(mutex_);
  std::function<void()> wakeup_ WEIR_GUARDED_BY(mutex_);
  bool closed_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir::taskmanager

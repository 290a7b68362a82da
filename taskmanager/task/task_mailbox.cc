#include "taskmanager/task/task_mailbox.h"

#include <utility>

namespace weir::taskmanager {

void TaskMailbox::SetWakeup(std::function<void()> wakeup) {
  std::function<void()> old;
  {
    MutexLock lock(mutex_);
    old = std::exchange(wakeup_, std::move(wakeup));
  }
}

void TaskMailbox::Post(std::function<void()> command) {
  MutexLock lock(mutex_);
  if (closed_) return;
  commands_.push_back(std::move(command));
  if (wakeup_) wakeup_();
}

void TaskMailbox::Wake() {
  MutexLock lock(mutex_);
  if (wakeup_) wakeup_();
}

std::vector<std::function<void()>> TaskMailbox::TakeAll() {
  MutexLock lock(mutex_);
  return std::exchange(commands_, {});
}

void TaskMailbox::Close() {
  std::vector<std::function<void()>> dropped;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    dropped.swap(commands_);
  }
}

}  // namespace weir::taskmanager

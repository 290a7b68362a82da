#include "api/testing/task_manager_thread.h"

#include <utility>

#include "taskmanager/grpc_task_manager_process.h"

namespace weir::internal {

TaskManagerThread::TaskManagerThread(const std::string& name, Config config)
    : config_(std::move(config)),
      thread_({.name = name, .slow_closure = absl::InfiniteDuration()}) {
  thread_.Post([this] { Run(); });
}

void TaskManagerThread::Run() {
  const absl::Status status =
      taskmanager::RunTaskManager(config_, [this](std::function<void()> stop) {
        MutexLock lock(mutex_);
        stop_ = std::move(stop);
        serving_.SignalAll();
      });
  MutexLock lock(mutex_);
  ended_ = true;
  status_ = status;
  serving_.SignalAll();
}

void TaskManagerThread::Stop() {
  std::function<void()> stop;
  {
    MutexLock lock(mutex_);
    while (stop_ == nullptr && !ended_) serving_.Wait(mutex_);
    stop = stop_;
  }
  if (stop != nullptr) stop();
  thread_.Shutdown();
}

absl::Status TaskManagerThread::status() {
  MutexLock lock(mutex_);
  return status_;
}

}  // namespace weir::internal

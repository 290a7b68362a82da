#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

#include "common/config/config.h"
#include "common/exec/mutex.h"
#include "common/exec/thread_executor.h"

namespace weir::internal {

/// A TaskManager on a thread of its own, whose workers die with that thread.
///
/// Life cycle: the constructor starts it; Stop, or the destructor, ends it and waits for that.
/// Threads: one at a time.
class TaskManagerThread {
 public:
  TaskManagerThread(const std::string& name, Config config);
  ~TaskManagerThread() { Stop(); }
  TaskManagerThread(const TaskManagerThread&) = delete;
  TaskManagerThread& operator=(const TaskManagerThread&) = delete;

  void Stop();
  /// Why it has ended by itself; OK while it runs.
  absl::Status status();

 private:
  void Run();

  const Config config_;
  Mutex mutex_;
  CondVar serving_;
  std::function<void()> stop_ WEIR_GUARDED_BY(mutex_);
  bool ended_ WEIR_GUARDED_BY(mutex_) = false;
  absl::Status status_ WEIR_GUARDED_BY(mutex_);
  ThreadExecutor thread_;  // last: it uses all of the above
};

}  // namespace weir::internal

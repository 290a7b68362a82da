#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/thread_executor.h"
#include "common/time/clock.h"
#include "taskmanager/task/executor_task_host.h"
#include "taskmanager/task/task_host.h"

namespace weir::taskmanager {

/// The executor thread of one slot: runs its ready tasks round robin and sleeps when none is.
///
/// An overflow of its stack is in the crash report, too (crash_report.h).
///
/// Life cycle: runs from construction to destruction, which waits for the step under way and closes
/// the tasks that are left; RemoveAll before that closes them on their own thread.
/// Threads: as TaskHost; destroyed by any thread but its own.
class TaskThread final : public TaskHost {
 public:
  struct Options {
    std::string name = "weir-slot";
    absl::Duration stall_threshold = absl::Seconds(5);  // as ExecutorTaskHost
  };
  TaskThread(const Clock& clock, const Options& options);
  ~TaskThread() override;

  void AddTask(std::shared_ptr<Task> task) override { host_->AddTask(std::move(task)); }
  void RemoveAll(std::function<void()> done) override { host_->RemoveAll(std::move(done)); }
  std::optional<StalledStep> FindStall(absl::Duration threshold) const override {
    return host_->FindStall(threshold);
  }
  Executor& executor() { return executor_; }

 private:
  ThreadExecutor executor_;
  std::shared_ptr<ExecutorTaskHost> host_;
};

}  // namespace weir::taskmanager

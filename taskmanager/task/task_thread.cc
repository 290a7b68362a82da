#include "taskmanager/task/task_thread.h"

#include <optional>
#include <utility>

#include "common/base/log.h"

namespace weir::taskmanager {
namespace {

ThreadExecutorOptions ExecutorOptions(const TaskThread::Options& options) {
  ThreadExecutorOptions result;
  result.name = options.name;
  result.slow_closure = options.stall_threshold;
  return result;
}

ExecutorTaskHost::Options HostOptions(const TaskThread::Options& options) {
  ExecutorTaskHost::Options result;
  result.stall_threshold = options.stall_threshold;
  return result;
}

}  // namespace

TaskThread::TaskThread(const Clock& clock, const Options& options)
    : executor_(ExecutorOptions(options)),
      host_(std::make_shared<ExecutorTaskHost>(executor_, clock, HostOptions(options))) {
  if (options.watchdog != nullptr) Watch(*options.watchdog, host_, options.stall_threshold);
}

TaskThread::~TaskThread() {
  executor_.Shutdown();
  host_.reset();
}

void TaskThread::Watch(Executor& watchdog, const std::weak_ptr<ExecutorTaskHost>& weak_host,
                       absl::Duration threshold) {
  watchdog.PostAfter(threshold, [&watchdog, weak_host, threshold] {
    const std::shared_ptr<ExecutorTaskHost> host = weak_host.lock();
    if (host == nullptr) return;
    const std::optional<StalledStep> stall = host->FindStall(threshold);
    if (stall.has_value()) {
      LogWarning("a task has not come back from a step; its slot stands still",
                 {{"task", stall->task_name},
                  {"subtask", stall->subtask.index},
                  {"operator", stall->operator_name},
                  {"running_for", stall->running_for}});
    }
    Watch(watchdog, host, threshold);
  });
}

}  // namespace weir::taskmanager

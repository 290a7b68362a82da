#include "taskmanager/task/task_thread.h"

#include "taskmanager/task/crash_report.h"

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
  executor_.Post(&UseAlternateSignalStack);
}

TaskThread::~TaskThread() {
  executor_.Shutdown();
  host_.reset();
}

}  // namespace weir::taskmanager

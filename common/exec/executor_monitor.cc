#include "common/exec/executor_monitor.h"

#include <utility>

namespace weir {

ExecutorMonitor::ExecutorMonitor(std::string name, Executor& executor, const Clock& clock)
    : name_(std::move(name)), executor_(executor), clock_(clock) {}

std::optional<absl::Duration> ExecutorMonitor::Look() {
  const absl::Duration now = clock_.Monotonic();
  {
    MutexLock lock(shared_->mutex);
    if (shared_->posted_at.has_value()) return now - *shared_->posted_at;
    shared_->posted_at = now;
  }
  executor_.Post([shared = shared_] {
    MutexLock lock(shared->mutex);
    shared->posted_at.reset();
  });
  return std::nullopt;
}

}  // namespace weir

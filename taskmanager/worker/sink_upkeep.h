#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "taskmanager/worker/coordinator_tasks.h"

namespace weir::taskmanager {

/// What the committers of a running generation do from time to time: SinkCommitter::Refresh daily,
/// SinkCommitter::Sweep every minute or so. Where no sink has a committer it does nothing.
///
/// Life cycle: begins when made; ends when destroyed, while a call may still run on the pool.
/// Threads: all on `executor`; the calls block on `pool`. Both outlive it.
/// Errors: FAILED_PRECONDITION of a refresh is told to `on_lost`, and nothing follows; other errors
/// are logged and tried again.
class SinkUpkeep {
 public:
  /// SinkCommitter::Refresh is tried again this long after an error.
  static constexpr absl::Duration kRefreshRetry = absl::Minutes(10);

  SinkUpkeep(Executor& executor, BlockingPool& pool,
             std::shared_ptr<const CoordinatorTasks> coordinator, absl::Duration sweep_interval,
             std::function<void(absl::Status)> on_lost);
  ~SinkUpkeep();
  SinkUpkeep(const SinkUpkeep&) = delete;
  SinkUpkeep& operator=(const SinkUpkeep&) = delete;

 private:
  void RefreshAfter(absl::Duration delay);
  void OnRefreshed(const absl::Status& status);
  void SweepLater();

  Executor& executor_;
  BlockingPool& pool_;
  const std::shared_ptr<const CoordinatorTasks> coordinator_;
  const absl::Duration sweep_interval_;
  const std::function<void(absl::Status)> on_lost_;
  TimerId refresh_timer_ = 0;
  TimerId sweep_timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager

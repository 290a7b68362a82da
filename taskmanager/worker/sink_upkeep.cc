#include "taskmanager/worker/sink_upkeep.h"

#include <utility>

#include "common/base/log.h"

namespace weir::taskmanager {

SinkUpkeep::SinkUpkeep(Executor& executor, BlockingPool& pool,
                       std::shared_ptr<const CoordinatorTasks> coordinator,
                       absl::Duration sweep_interval, std::function<void(absl::Status)> on_lost)
    : executor_(executor),
      pool_(pool),
      coordinator_(std::move(coordinator)),
      sweep_interval_(sweep_interval),
      on_lost_(std::move(on_lost)) {
  if (!coordinator_->has_committers()) return;
  RefreshAfter(SinkCommitter::kRefreshInterval);
  SweepLater();
}

SinkUpkeep::~SinkUpkeep() {
  executor_.Cancel(refresh_timer_);
  executor_.Cancel(sweep_timer_);
}

void SinkUpkeep::RefreshAfter(absl::Duration delay) {
  refresh_timer_ = executor_.PostAfter(delay, lifetime_.Guard([this] {
    pool_.Run<absl::Status>(
        executor_, [coordinator = coordinator_] { return coordinator->Refresh(); },
        lifetime_.Guard([this](const absl::Status& status) { OnRefreshed(status); }));
  }));
}

void SinkUpkeep::OnRefreshed(const absl::Status& status) {
  if (absl::IsFailedPrecondition(status)) return on_lost_(status);
  if (!status.ok()) LogWarning("sinks not refreshed; tried again later", {{"error", status}});
  RefreshAfter(status.ok() ? SinkCommitter::kRefreshInterval : kRefreshRetry);
}

void SinkUpkeep::SweepLater() {
  sweep_timer_ = executor_.PostAfter(sweep_interval_, lifetime_.Guard([this] {
    pool_.Run<absl::Status>(
        executor_, [coordinator = coordinator_] { return coordinator->Sweep(); },
        lifetime_.Guard([this](const absl::Status& status) {
          if (!status.ok()) LogWarning("sinks not swept; tried again later", {{"error", status}});
          SweepLater();
        }));
  }));
}

}  // namespace weir::taskmanager

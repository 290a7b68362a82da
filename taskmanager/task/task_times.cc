#include "taskmanager/task/task_times.h"

#include <algorithm>

namespace weir::taskmanager {

void TaskTimes::Switch(Kind kind, absl::Duration now) {
  MutexLock lock(mutex_);
  if (since_.has_value()) {
    totals_[static_cast<size_t>(kind_)] += std::max(now - *since_, absl::ZeroDuration());
  }
  kind_ = kind;
  since_ = std::max(now, since_.value_or(now));
}

TaskTimes::Totals TaskTimes::At(absl::Duration now) const {
  MutexLock lock(mutex_);
  std::array<absl::Duration, 3> totals = totals_;
  if (since_.has_value()) {
    totals[static_cast<size_t>(kind_)] += std::max(now - *since_, absl::ZeroDuration());
  }
  return {totals[0], totals[1], totals[2]};
}

}  // namespace weir::taskmanager

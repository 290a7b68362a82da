#include "taskmanager/worker/stall_watch.h"

#include <optional>
#include <utility>

#include "common/base/log.h"
#include "taskmanager/worker/worker_metrics.h"

namespace weir::taskmanager {

void StallWatch::Look(const std::map<uint32_t, TaskHost*>& hosts, absl::Duration timeout) {
  stalls_.clear();
  if (timeout > absl::ZeroDuration()) {
    for (const auto& [slot, host] : hosts) {
      std::optional<StalledStep> stall = host->FindStall(timeout);
      if (stall.has_value()) stalls_.push_back(*std::move(stall));
    }
  }
  std::map<SubtaskId, absl::Duration> before;
  before.swap(logged_);
  for (const StalledStep& stall : stalls_) {
    const auto logged = before.find(stall.subtask);
    const bool known = logged != before.end() && stall.running_for >= logged->second;
    const bool due = !known || stall.running_for >= 2 * logged->second;
    if (due) Log(stall);
    logged_[stall.subtask] = due ? stall.running_for : logged->second;
    if (known) before.erase(logged);
  }
  for (const auto& [subtask, lasted] : before) {
    LogInfo("a task that stood still goes on",
            {{"vertex", subtask.vertex}, {"subtask", subtask.index}, {"stood_for", lasted}});
  }
}

void StallWatch::Log(const StalledStep& stall) {
  LogWarning("a task has not come back from a step; its slot stands still",
             {{"task", stall.task_name},
              {"subtask", stall.subtask.index},
              {"operator", stall.operator_name},
              {"position", stall.position},
              {"running_for", absl::Trunc(stall.running_for, absl::Milliseconds(1))}});
}

void StallWatch::AddMetrics(proto::WorkerMetrics* metrics) const {
  for (const StalledStep& stall : stalls_) AddStallMetrics(stall, metrics);
}

}  // namespace weir::taskmanager

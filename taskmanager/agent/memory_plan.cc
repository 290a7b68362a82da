#include "taskmanager/agent/memory_plan.h"

#include <algorithm>

#include "common/config/options.h"

namespace weir::taskmanager {
namespace {

constexpr uint64_t kReserveShare = 10;
constexpr uint64_t kReserveMin = uint64_t{64} << 20;
constexpr uint64_t kReserveMax = uint64_t{512} << 20;

uint64_t ReserveOf(uint64_t limit) {
  return std::min(std::clamp(limit / kReserveShare, kReserveMin, kReserveMax), limit / 2);
}

}  // namespace

MemoryPlan PlanMemory(const MemoryPlanOptions& options,
                      const std::optional<MemoryCgroup::Limit>& cgroup) {
  MemoryPlan plan;
  plan.limit_bytes = options.memory_limit;
  if (plan.limit_bytes > 0) {
    plan.limit_source = std::string(options::kTaskmanagerMemoryLimit.key());
  }
  if (cgroup && (plan.limit_bytes == 0 || cgroup->bytes < plan.limit_bytes)) {
    plan.limit_bytes = cgroup->bytes;
    plan.limit_source = cgroup->file;
  }
  plan.workers_bytes = plan.limit_bytes - ReserveOf(plan.limit_bytes);
  plan.worker_bytes = options.worker_memory_limit;
  uint64_t usable = plan.workers_bytes;
  if (plan.worker_bytes > 0 && (usable == 0 || plan.worker_bytes < usable)) {
    usable = plan.worker_bytes;
  }
  plan.slot_bytes = usable / std::max<uint64_t>(options.slots, 1);
  return plan;
}

}  // namespace weir::taskmanager

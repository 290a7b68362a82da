#include "taskmanager/agent/memory_plan.h"

#include <gtest/gtest.h>

namespace weir::taskmanager {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

std::optional<MemoryCgroup::Limit> Cgroup(uint64_t bytes) {
  return MemoryCgroup::Limit{bytes, "/sys/fs/cgroup/memory.max"};
}

TEST(MemoryPlan, WithoutALimitThereIsNone) {
  const MemoryPlan plan = PlanMemory({}, std::nullopt);
  EXPECT_EQ(plan.limit_bytes, 0u);
  EXPECT_EQ(plan.workers_bytes, 0u);
  EXPECT_EQ(plan.worker_bytes, 0u);
  EXPECT_EQ(plan.slot_bytes, 0u);
}

TEST(MemoryPlan, TheControlGroupsLimitIsDividedOverSlots) {
  MemoryPlanOptions options;
  options.slots = 4;
  const MemoryPlan plan = PlanMemory(options, Cgroup(1000 * kMiB));
  EXPECT_EQ(plan.limit_source, "/sys/fs/cgroup/memory.max");
  EXPECT_EQ(plan.workers_bytes, 900 * kMiB);
  EXPECT_EQ(plan.worker_bytes, 0u);
  EXPECT_EQ(plan.slot_bytes, 225 * kMiB);
}

TEST(MemoryPlan, TheReserveHasBounds) {
  EXPECT_EQ(PlanMemory({}, Cgroup(256 * kMiB)).workers_bytes, (256 - 64) * kMiB);
  EXPECT_EQ(PlanMemory({}, Cgroup(100 * kMiB)).workers_bytes, 50 * kMiB);
  EXPECT_EQ(PlanMemory({}, Cgroup(16384 * kMiB)).workers_bytes, (16384 - 512) * kMiB);
}

TEST(MemoryPlan, AnOptionBelowTheControlGroupsLimitWins) {
  MemoryPlanOptions options;
  options.memory_limit = 500 * kMiB;
  const MemoryPlan plan = PlanMemory(options, Cgroup(1000 * kMiB));
  EXPECT_EQ(plan.limit_bytes, 500 * kMiB);
  EXPECT_EQ(plan.limit_source, "taskmanager.memory-limit");
}

TEST(MemoryPlan, AnOptionAboveItDoesNot) {
  MemoryPlanOptions options;
  options.memory_limit = 2000 * kMiB;
  const MemoryPlan plan = PlanMemory(options, Cgroup(1000 * kMiB));
  EXPECT_EQ(plan.limit_bytes, 1000 * kMiB);
  EXPECT_EQ(plan.limit_source, "/sys/fs/cgroup/memory.max");
}

TEST(MemoryPlan, SlotsShareWhatAWorkerMayUse) {
  MemoryPlanOptions options;
  options.worker_memory_limit = 300 * kMiB;
  options.slots = 2;
  EXPECT_EQ(PlanMemory(options, std::nullopt).slot_bytes, 150 * kMiB);
  EXPECT_EQ(PlanMemory(options, Cgroup(1000 * kMiB)).slot_bytes, 150 * kMiB);
  EXPECT_EQ(PlanMemory(options, Cgroup(264 * kMiB)).slot_bytes, 100 * kMiB);
}

}  // namespace
}  // namespace weir::taskmanager

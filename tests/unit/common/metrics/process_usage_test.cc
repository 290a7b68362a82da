#include "common/metrics/process_usage.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(ProcessUsageTest, ReadsTheKernelsCounts) {
  const auto usage = ParseProcessStat(
      "71 (a ) b) S 1 71 71 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 9 0 1000 8192 3 184467 1 1 0",
      {.ticks_per_second = 100, .page_bytes = 4096, .boot_time_seconds = 1'000'000});
  ASSERT_TRUE(usage.has_value());
  EXPECT_DOUBLE_EQ(usage->cpu_seconds, 3);
  EXPECT_DOUBLE_EQ(usage->start_time_seconds, 1'000'010);
  EXPECT_EQ(usage->virtual_bytes, 8192u);
  EXPECT_EQ(usage->resident_bytes, 3u * 4096);
}

TEST(ProcessUsageTest, OtherTextsAreNone) {
  EXPECT_FALSE(ParseProcessStat("", {}).has_value());
  EXPECT_FALSE(ParseProcessStat("71 (a) S 1", {}).has_value());
}

TEST(ProcessUsageTest, ThisProcessUsesSomething) {
  const ProcessUsage usage = ReadProcessUsage();
  EXPECT_GT(usage.resident_bytes, 0u);
  EXPECT_GE(usage.virtual_bytes, usage.resident_bytes);
  EXPECT_GE(usage.open_fds, 3u);
  EXPECT_GE(usage.max_fds, usage.open_fds);
  EXPECT_GT(usage.start_time_seconds, 1'600'000'000);
}

}  // namespace
}  // namespace weir

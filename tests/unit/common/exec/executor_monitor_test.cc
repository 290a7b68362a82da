#include "common/exec/executor_monitor.h"

#include <gtest/gtest.h>

#include "tests/support/manual_executor.h"

namespace weir {
namespace {

class ExecutorMonitorTest : public testing::Test {
 protected:
  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ExecutorMonitor monitor_{"weir-x", executor_, clock_};
};

TEST_F(ExecutorMonitorTest, AnExecutorThatRunsIsNeverWaitedFor) {
  for (int look = 0; look < 3; ++look) {
    EXPECT_EQ(monitor_.Look(), std::nullopt);
    executor_.RunReady();
  }
}

TEST_F(ExecutorMonitorTest, TellsHowLongTheFirstUnansweredLookWaits) {
  ManualExecutor time;  // goes on while the executor stands still
  ManualClock clock(time);
  ExecutorMonitor monitor("weir-x", executor_, clock);
  EXPECT_EQ(monitor.Look(), std::nullopt);
  time.Advance(absl::Seconds(4));
  EXPECT_EQ(monitor.Look(), absl::Seconds(4));
  time.Advance(absl::Seconds(4));
  EXPECT_EQ(monitor.Look(), absl::Seconds(8));
  executor_.RunReady();
  EXPECT_EQ(monitor.Look(), std::nullopt);
}

}  // namespace
}  // namespace weir

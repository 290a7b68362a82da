// What a job tells for /metrics.
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

class JobMetricsTest : public JobTest {};

TEST_F(JobMetricsTest, UptimeCountsWhileAllTasksRun) {
  SubmitAndRun();
  const absl::Duration before = job().Uptime();
  Wait(absl::Seconds(5));
  EXPECT_EQ(job().Uptime() - before, absl::Seconds(5));
  EXPECT_EQ(job().workers(), 2u);
}

TEST_F(JobMetricsTest, CheckpointsAreCountedAndTimed) {
  SubmitAndRun();
  Wait(3 * kInterval);
  const CheckpointStatistics* statistics = job().checkpoint_statistics();
  ASSERT_NE(statistics, nullptr);
  EXPECT_GE(statistics->completed(), 2u);
  EXPECT_EQ(statistics->failed(), 0u);
  EXPECT_GE(statistics->durations().count, 2u);
  EXPECT_TRUE(statistics->latest_state_bytes().has_value());
  EXPECT_FALSE(job().checkpoint_in_progress());
}

}  // namespace
}  // namespace weir::jobmanager

// Health and metrics of a JobManager.
#include "jobmanager/job_manager_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "common/base/seeded_random.h"
#include "jobmanager/job_manager_health.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir::jobmanager {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Elects when the test says so.
class TestingElection final : public LeaderElection {
 public:
  void Start(std::function<void()> elected) override { elect = std::move(elected); }
  absl::Status last_error() const override { return error; }
  absl::Status error;
  std::function<void()> elect;
};

class JobManagerMetricsTest : public ::testing::Test {
 protected:
  JobManagerMetricsTest() {
    EXPECT_TRUE(files_.MakeDirectory(layout_.ClusterLogDirectory()).ok());
    job_manager_ = std::make_unique<JobManager>(
        Dispatcher::Identity{"east", "jm-1", "127.0.0.1:6123", 7},
        Dispatcher::Dependencies{clock_, executor_, pool_, files_, random_, layout_, config_,
                                 [](const ArtifactId&) -> absl::StatusOr<bool> { return true; },
                                 [](const absl::Status&) {}},
        election_);
  }
  void Start() {
    job_manager_->Start();
    executor_.RunReady();
  }
  void Lead() {
    Start();
    election_.elect();
    executor_.Advance(absl::Seconds(1));
    ASSERT_TRUE(job_manager_->leading());
  }
  std::string Page() {
    MetricsPage page;
    AddJobManagerMetrics(*job_manager_, clock_.Now(), &page);
    return page.PrometheusText();
  }
  HealthReport Ready() { return ReadinessOf(job_manager_->Status()); }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StorageLayout layout_{"/w", "east"};
  Config config_;
  TestingElection election_;
  std::unique_ptr<JobManager> job_manager_;
};

TEST_F(JobManagerMetricsTest, AStandbyIsReadyOnceTheElectionIsSettled) {
  Start();
  EXPECT_EQ(Ready().reason, "it has just started and waits for the election");
  executor_.Advance(kElectionSettles);
  EXPECT_TRUE(Ready().ok);
  EXPECT_EQ(Ready().details.at(0).second, "standby");
  EXPECT_THAT(Page(), AllOf(HasSubstr("\nweir_leader 0\n"), Not(HasSubstr("weir_cluster_"))));
}

TEST_F(JobManagerMetricsTest, AStandbyThatCannotReadTheStorageIsNotReady) {
  Start();
  files_.Inject({.call = TestingFileSystem::Call::kRead,
                 .status = absl::UnavailableError("/w is gone"),
                 .times = 100});
  executor_.Advance(absl::Seconds(2));
  EXPECT_FALSE(Ready().ok);
  EXPECT_EQ(Ready().reason, "it could not take over: /w is gone");
  files_.ClearFaults();
  executor_.Advance(absl::Seconds(2));
  EXPECT_TRUE(Ready().ok);
}

// Nobody could take over from a leader that is gone.
TEST_F(JobManagerMetricsTest, AStandbyThatCannotBeElectedIsNotReadyAndSaysWhy) {
  Start();
  executor_.Advance(kElectionSettles);
  election_.error = absl::UnavailableError("the leader lock cannot be tried: No locks available");
  EXPECT_FALSE(Ready().ok);
  EXPECT_EQ(Ready().reason,
            "it cannot be elected: the leader lock cannot be tried: No locks available");
  election_.error = absl::OkStatus();
  EXPECT_TRUE(Ready().ok);
}

TEST_F(JobManagerMetricsTest, ALeaderIsReadyWhenItHasTakenOver) {
  Lead();
  EXPECT_TRUE(Ready().ok);
  EXPECT_EQ(Ready().details.at(0).second, "leader");
  EXPECT_THAT(Page(), AllOf(HasSubstr("\nweir_leader 1\n"), HasSubstr("\nweir_leader_term 1\n"),
                            HasSubstr("\nweir_cluster_slots{state=\"free\"} 0\n"),
                            HasSubstr("\nweir_cluster_jobs{state=\"RUNNING\"} 0\n")));
}

TEST(JobManagerHealthTest, ALeaderThatReadsTheLogsIsNotReady) {
  JobManagerStatus status;
  status.elected = true;
  status.since_start = absl::Hours(1);
  status.storage = absl::OkStatus();
  EXPECT_FALSE(ReadinessOf(status).ok);
  EXPECT_EQ(ReadinessOf(status).details.at(0).second, "taking-over");
}

}  // namespace
}  // namespace weir::jobmanager

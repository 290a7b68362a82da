// The way out of SUSPENDED.
#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

class JobResumeTest : public JobTest {
 protected:
  /// Epoch 1 is owned and not committed, and cannot be committed any more.
  void Suspend() {
    SubmitAndRun(/*transactional=*/true);
    behavior_.commit = false;
    Wait(kInterval + absl::Seconds(1));
    ASSERT_TRUE(job().history().AwaitsReceipt(Epoch(1)));
    behavior_.become_ready = false;
    tm(1).KillWorker(WorkerIdOf(1), "killed by signal 9 (SIGKILL)");
    Wait(absl::Seconds(2));
    ASSERT_EQ(State(), "DEPLOYING");
    proto::Failure failure;
    failure.set_message("lost");
    failure.set_suspends(true);
    worker(0).failure = failure;
    Wait(absl::Seconds(1));
    ASSERT_EQ(State(), "SUSPENDED");
  }
  absl::Status Resume(proto::ResumePolicy policy) {
    absl::Status replied = absl::UnknownError("no reply");
    job().Resume(policy, [&replied](const absl::Status& status) { replied = status; });
    Wait(absl::Seconds(2));
    return replied;
  }
};

TEST_F(JobResumeTest, ItStartsTheNextGenerationWithTheDecision) {
  Suspend();
  EXPECT_EQ(Resume(proto::IGNORE), absl::OkStatus());
  EXPECT_EQ(State(), "DEPLOYING");
  EXPECT_EQ(worker(0).deployment.resume_policy(), proto::IGNORE);
  behavior_.become_ready = true;
  behavior_.commit = true;
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(Reason(), "");
  // The decision was about that epoch and no later one.
  Wait(kInterval);
  EXPECT_EQ(job().history().resume_policy(), proto::AS_CONFIGURED);
}

TEST_F(JobResumeTest, ARunningJobIsNotResumed) {
  SubmitAndRun();
  const absl::Status status = Resume(proto::AS_CONFIGURED);
  EXPECT_EQ(status, absl::FailedPreconditionError("job j is RUNNING, not SUSPENDED"));
}

TEST_F(JobResumeTest, ANewLeaderLeavesTheJobSuspended) {
  Suspend();
  LeaderDies();
  Adopt();
  for (auto& manager : task_managers_) Reconnect(*manager);
  Wait(absl::Minutes(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Reason(), "lost");
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(Resume(proto::REPLAY), absl::OkStatus());
  EXPECT_EQ(State(), "DEPLOYING");
  EXPECT_EQ(generation(), 3u);
}

TEST_F(JobResumeTest, TheDecisionOutlivesItsLeader) {
  Suspend();
  ASSERT_EQ(Resume(proto::REPLAY), absl::OkStatus());
  LeaderDies();
  Adopt();
  for (auto& manager : task_managers_) Reconnect(*manager);
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "DEPLOYING");
  EXPECT_EQ(worker(0).deployment.resume_policy(), proto::REPLAY);
}

TEST_F(JobResumeTest, ACancelInTheMeantimeWins) {
  Suspend();
  job().Resume(proto::AS_CONFIGURED, [](const absl::Status&) {});
  job().Cancel([](const absl::Status&) {});
  behavior_.become_ready = true;
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "CANCELED");
}

}  // namespace
}  // namespace weir::jobmanager

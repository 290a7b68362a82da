// A TaskManager that leaves in order is no failure of the jobs that it runs.
#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Strategy = RestartOptions::Strategy;

class JobLeaveTest : public JobTest {
 protected:
  /// tm-b leaves, whose slot tm-c has.
  void LeaveTo(const std::string& successor) {
    AddTaskManager(successor);
    tm(1).EndWorkers("ended with its TaskManager, which was told to stop");
    tm(1).Leave();
    Wait(absl::ZeroDuration());
  }
};

TEST_F(JobLeaveTest, TheStrategyNoneIsNotAsked) {
  options_.restart.strategy = Strategy::kNone;
  SubmitAndRun();
  LeaveTo("tm-c");
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "RUNNING") << Reason();
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(worker(2).generation, 2u);
}

// One worker did not end in time: it is lost with its TaskManager.
TEST_F(JobLeaveTest, NorForAWorkerThatDoesNotEnd) {
  options_.restart.strategy = Strategy::kNone;
  SubmitAndRun();
  AddTaskManager("tm-c");
  tm(1).Leave();
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "RUNNING") << Reason();
  EXPECT_EQ(generation(), 2u);
}

TEST_F(JobLeaveTest, NeitherAttemptsNorPausesAreUsed) {
  options_.restart.strategy = Strategy::kFixedDelay;
  options_.restart.fixed_attempts = 1;
  options_.restart.fixed_delay = absl::Seconds(5);
  SubmitAndRun();
  LeaveTo("tm-c");
  Wait(absl::Seconds(1));
  ASSERT_EQ(State(), "RUNNING") << Reason();
  tm(0).KillWorker(WorkerIdOf(0), "killed by signal 9 (SIGKILL)");
  Wait(absl::Seconds(4));
  EXPECT_EQ(State(), "RECOVERING") << "the one attempt there is, with its pause";
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING") << Reason();
}

TEST_F(JobLeaveTest, TheBackoffDoesNotGrow) {
  options_.restart.initial_backoff = absl::Seconds(30);
  SubmitAndRun();
  LeaveTo("tm-c");
  Wait(absl::Seconds(1));
  tm(0).KillWorker(WorkerIdOf(0), "killed by signal 9 (SIGKILL)");
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "RUNNING") << "the first restart is at once";
}

TEST_F(JobLeaveTest, ItIsNotNotedAsAFailure) {
  SubmitAndRun();
  LeaveTo("tm-c");
  Wait(absl::Seconds(1));
  EXPECT_THAT(job().Details().notes(), Each(Not(HasSubstr("last failure"))));
}

TEST_F(JobLeaveTest, WithoutASpareTheJobWaitsForSlots) {
  options_.restart.strategy = Strategy::kNone;
  SubmitAndRun();
  tm(1).EndWorkers("ended with its TaskManager, which was told to stop");
  tm(1).Leave();
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "SCHEDULING");
  AddTaskManager("tm-c");
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "RUNNING") << Reason();
}

}  // namespace
}  // namespace weir::jobmanager

// The end of jobs whose sinks commit transactions: coordinator tasks run once more, alone.
#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using ::testing::HasSubstr;

class JobCleanupTest : public JobTest {
 protected:
  void Cancel() {
    job().Cancel([this](const absl::Status& status) { replied_ = status; });
    Wait(absl::Seconds(1));
  }
  void Abandon() {
    replied_ = absl::UnknownError("no reply");
    job().Abandon([this](const absl::Status& status) { replied_ = status; });
    Wait(absl::ZeroDuration());
  }
  /// The worker that was given the clean-up, or null.
  TestingWorker* Cleaner() {
    for (auto& manager : task_managers_) {
      for (auto& [id, worker] : manager->workers) {
        if (worker.deployment.cleanup()) return &worker;
      }
    }
    return nullptr;
  }
  bool HasTerminal() { return LastOf(proto::JobLogEntry::kTerminal).has_terminal(); }
  absl::Status replied_ = absl::UnknownError("no reply");
};

TEST_F(JobCleanupTest, ACanceledJobEndsWhenItsSinksAreSettled) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  Cancel();
  EXPECT_EQ(State(), "CANCELLING");
  ASSERT_NE(Cleaner(), nullptr);
  EXPECT_EQ(Cleaner()->deployment.tasks_size(), 0);
  EXPECT_TRUE(Cleaner()->deployment.coordinator());
  EXPECT_EQ(Cleaner()->deployment.ended_jobs_size(), 1);
  EXPECT_EQ(generation(), 2u);
  EXPECT_FALSE(HasTerminal());
  behavior_.become_ready = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_TRUE(HasTerminal());
}

TEST_F(JobCleanupTest, OwnedEpochsAreReceiptedByIt) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  Wait(kInterval + absl::Seconds(1));
  ASSERT_TRUE(job().history().AwaitsReceipt(Epoch(1)));
  Cancel();
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_FALSE(job().history().AwaitsReceipt(Epoch(1)));
}

TEST_F(JobCleanupTest, WithoutTransactionsThereIsNone) {
  SubmitAndRun();
  Cancel();
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(generation(), 1u);
}

TEST_F(JobCleanupTest, AFailedOneIsRepeatedUntilItIsAbandoned) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  Cancel();
  ASSERT_NE(Cleaner(), nullptr);
  for (auto& manager : task_managers_) {
    for (const auto& [id, worker] : manager->workers) {
      if (worker.deployment.cleanup()) manager->FailWorker(id, "no broker answers", true);
    }
  }
  Wait(absl::Milliseconds(500));
  EXPECT_EQ(State(), "CANCELLING");
  EXPECT_THAT(Reason(), HasSubstr("no broker answers ('weir cancel --abandon-transactions' leaves "
                                  "them as they are)"));
  job().OnSlotsChanged();
  job().OnCoordinatorIdle();
  EXPECT_EQ(generation(), 2u) << "again at once, and so for ever";
  Wait(absl::Seconds(1));
  EXPECT_EQ(generation(), 3u);
  Cancel();
  EXPECT_TRUE(absl::IsFailedPrecondition(replied_)) << "a repeated cancel gives nothing up";
  EXPECT_EQ(State(), "CANCELLING");
  Abandon();
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(Reason(), "canceled by request; its transactions cannot be settled: no broker answers");
}

TEST_F(JobCleanupTest, ResumeDecidesForOneThatHasFailed) {
  behavior_.commit = false;
  SubmitAndRun(/*transactional=*/true);
  Wait(kInterval);  // epoch 1 is owned, and not committed
  behavior_.become_ready = false;
  Cancel();
  const auto resume = [this] {
    job().Resume(proto::IGNORE, [this](const absl::Status& status) { replied_ = status; });
  };
  resume();
  EXPECT_EQ(replied_, absl::FailedPreconditionError("job j is CANCELLING, not SUSPENDED"));
  for (auto& manager : task_managers_) {
    for (const auto& [id, worker] : manager->workers) {
      if (worker.deployment.cleanup()) manager->FailWorker(id, "the records are gone", true);
    }
  }
  Wait(absl::Milliseconds(500));
  ASSERT_EQ(generation(), 2u);
  behavior_.become_ready = true;
  resume();  // and does not wait for the next try
  Wait(absl::Milliseconds(300));
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(LastOf(proto::JobLogEntry::kResumed).resumed().policy(), proto::IGNORE);
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(generation(), 3u);
  EXPECT_EQ(Reason(), "canceled by request");
}

TEST_F(JobCleanupTest, OnlyWhatCannotBeSettledIsAbandoned) {
  SubmitAndRun(/*transactional=*/true);
  Abandon();
  EXPECT_TRUE(absl::IsFailedPrecondition(replied_)) << replied_;
  EXPECT_EQ(State(), "RUNNING");
  behavior_.become_ready = false;
  Cancel();
  Abandon();
  EXPECT_TRUE(absl::IsFailedPrecondition(replied_)) << replied_;
  EXPECT_EQ(State(), "CANCELLING");
  behavior_.become_ready = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "CANCELED");
  Abandon();
  EXPECT_TRUE(absl::IsFailedPrecondition(replied_)) << replied_;
}

TEST_F(JobCleanupTest, WhatIsAbandonedIsNamed) {
  behavior_.commit = false;
  behavior_.committables = {{"opaque", "topic 'out', partition 0 offsets 5 to 9 (5 records)"}};
  SubmitAndRun(/*transactional=*/true);
  Wait(kInterval);  // epoch 1 is owned
  behavior_.become_ready = false;
  Cancel();
  for (auto& manager : task_managers_) {
    for (const auto& [id, worker] : manager->workers) {
      if (worker.deployment.cleanup()) manager->FailWorker(id, "no broker answers", true);
    }
  }
  Wait(absl::Milliseconds(500));
  Abandon();
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_THAT(Reason(),
              HasSubstr("abandoned, owned and perhaps not committed: epoch 1: topic 'out', "
                        "partition 0 offsets 5 to 9 (5 records)"));
}

TEST_F(JobCleanupTest, ItsWorkersDeathIsAFailureLikeAnyOther) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  Cancel();
  for (auto& manager : task_managers_) {
    const auto workers = manager->workers;
    for (const auto& [id, worker] : workers) {
      if (worker.deployment.cleanup()) manager->KillWorker(id, "killed by signal 9 (SIGKILL)");
    }
  }
  behavior_.become_ready = true;
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(generation(), 3u);
}

TEST_F(JobCleanupTest, AJobThatFailsIsSettledFirst) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  tm(0).FailWorker(WorkerIdOf(0), "cannot be mended", /*retriable=*/false);
  Wait(absl::Milliseconds(500));
  EXPECT_EQ(State(), "FAILING");
  EXPECT_NE(Cleaner(), nullptr);
  behavior_.become_ready = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "FAILED");
  EXPECT_EQ(job().Summary().restarts(), 0u);
  EXPECT_EQ(Reason(), "cannot be mended");
}

TEST_F(JobCleanupTest, AJobThatFinishesIsSettledToo) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.finished = true;
  behavior_.become_ready = false;
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "STOPPING");
  ASSERT_NE(Cleaner(), nullptr);
  EXPECT_FALSE(HasTerminal());
  const absl::Status cancel = [this] {
    Cancel();
    return replied_;
  }();
  EXPECT_TRUE(absl::IsFailedPrecondition(cancel)) << cancel;
  LeaderDies();
  Adopt();
  for (auto& manager : task_managers_) Reconnect(*manager);
  behavior_.become_ready = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "FINISHED");
  EXPECT_EQ(job().Summary().restarts(), 0u);
}

TEST_F(JobCleanupTest, ANewLeaderGoesOnWithAFailure) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  tm(0).FailWorker(WorkerIdOf(0), "cannot be mended", /*retriable=*/false);
  Wait(absl::Milliseconds(500));
  LeaderDies();
  Adopt();
  EXPECT_EQ(State(), "FAILING");
  for (auto& manager : task_managers_) Reconnect(*manager);
  behavior_.become_ready = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "FAILED");
  EXPECT_EQ(Reason(), "cannot be mended");
  EXPECT_EQ(job().Summary().restarts(), 0u);
}

TEST_F(JobCleanupTest, WhatCanBeCommittedNoMoreSuspendsTheJob) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  tm(1).KillWorker(WorkerIdOf(1), "killed by signal 9 (SIGKILL)");
  Wait(absl::Seconds(2));
  ASSERT_EQ(State(), "DEPLOYING");
  proto::Failure failure;
  failure.set_message("sink 'out': epoch 3 is owned, but its transaction was aborted");
  failure.set_suspends(true);
  worker(0).failure = failure;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Reason(), failure.message());
  Wait(absl::Minutes(5));
  EXPECT_EQ(generation(), 2u);
}

TEST_F(JobCleanupTest, ANewLeaderGoesOnWithACancel) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  Cancel();
  LeaderDies();
  Adopt();
  for (auto& manager : task_managers_) Reconnect(*manager);
  behavior_.become_ready = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(generation(), 3u);  // one clean-up by each leader
}

// The client repeats what the first leader did not answer.
TEST_F(JobCleanupTest, ACancelThatIsRepeatedAtANewLeaderGivesNothingUp) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.become_ready = false;
  Cancel();
  LeaderDies();
  Adopt();
  job().Cancel([this](const absl::Status& status) { replied_ = status; });
  Wait(absl::Milliseconds(500));
  EXPECT_TRUE(absl::IsFailedPrecondition(replied_)) << replied_;
  EXPECT_EQ(State(), "CANCELLING");
  for (auto& manager : task_managers_) Reconnect(*manager);
  behavior_.become_ready = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(generation(), 3u);
}

}  // namespace
}  // namespace weir::jobmanager

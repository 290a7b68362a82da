// `weir suspend`: a checkpoint behind which nothing is read, then SUSPENDED.
#include <optional>
#include <string>

#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using testing::HasSubstr;

class JobSuspensionTest : public JobTest {
 protected:
  void Suspend(bool wait = true) {
    replied_.reset();
    job().RequestSuspension(wait, [this](const absl::Status& status) { replied_ = status; });
    Wait(absl::ZeroDuration());
  }
  void Decline() {
    proto::CheckpointAnswer answer;
    answer.set_epoch(worker(0).last.trigger().epoch());
    answer.set_attempt_term(1);
    answer.set_declined("declined: the disk is full");
    proto::Header header;
    header.set_sender(WorkerIdOf(0));
    header.set_generation(generation());
    proto::WorkerReport report = worker(0).Report();
    *report.add_answers() = answer;
    job().OnWorkerReport(header, report);
    Wait(absl::ZeroDuration());
  }
  std::optional<absl::Status> replied_;
};

TEST_F(JobSuspensionTest, ItTakesACheckpointBehindWhichNothingIsRead) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend();
  Wait(absl::Milliseconds(200));
  EXPECT_TRUE(worker(0).last.hold_sources());
  EXPECT_TRUE(worker(0).last.has_trigger());
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(replied_, std::nullopt);
  behavior_.answer_triggers = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Reason(), "suspended by request");
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(NewestOwned(), 1u);
}

// Else the resumed job would end at once, and nobody had said so.
TEST_F(JobSuspensionTest, ASuspendedJobIsNotStopped) {
  SubmitAndRun();
  Suspend();
  Wait(absl::Seconds(1));
  ASSERT_EQ(State(), "SUSPENDED");
  std::optional<absl::Status> stopped;
  job().Stop([&stopped](const absl::Status& status) { stopped = status; });
  Wait(absl::Seconds(1));
  ASSERT_TRUE(stopped.has_value());
  EXPECT_TRUE(absl::IsFailedPrecondition(*stopped)) << *stopped;
  EXPECT_EQ(job().history().stop_requested(), nullptr);
}

TEST_F(JobSuspensionTest, ItWaitsForTheCommitAndItsReceiptIsInTheLog) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  Suspend();
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "RUNNING");
  behavior_.commit = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(LastOf(proto::JobLogEntry::kSuspended).committed_through(), NewestOwned());
  EXPECT_FALSE(job().history().AwaitsReceipt(Epoch(NewestOwned())));
}

TEST_F(JobSuspensionTest, ACheckpointThatWasUnderWayIsNotTheOne) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Wait(kInterval);  // epoch 1 is pending, and its barrier may be behind
  ASSERT_EQ(worker(0).last.trigger().epoch(), 1u);
  Suspend();
  behavior_.answer_triggers = true;
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(NewestOwned(), 2u);
}

TEST_F(JobSuspensionTest, SlotsAndWorkersAreReleased) {
  SubmitAndRun();
  Suspend();
  Wait(absl::Seconds(1));
  EXPECT_TRUE(tm(0).workers.empty());
  EXPECT_EQ(leader_->registry.FreeSlotsFor(JobId("other")).at(TaskManagerId("tm-a")), 1u);
}

TEST_F(JobSuspensionTest, ResumeGoesOnFromItsCheckpoint) {
  SubmitAndRun();
  Suspend();
  Wait(absl::Seconds(1));
  job().Resume(proto::AS_CONFIGURED, [](const absl::Status&) {});
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(LastOf(proto::JobLogEntry::kStarted).started().restored_epoch(), 1u);
  EXPECT_FALSE(worker(0).last.hold_sources());
}

TEST_F(JobSuspensionTest, ItIsIdempotent) {
  SubmitAndRun();
  Suspend(/*wait=*/false);
  EXPECT_EQ(replied_, absl::OkStatus());
  Suspend();
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(replied_, absl::OkStatus());
  const size_t entries = Entries().size();
  Suspend();
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(Entries().size(), entries);
}

TEST_F(JobSuspensionTest, WithoutTasksItIsAtOnce) {
  SubmitAndRun();
  tm(1).Disconnect();
  Wait(absl::Seconds(3));
  ASSERT_EQ(State(), "SCHEDULING") << "no slot is left";
  Suspend();
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(NewestOwned(), 0u);
}

TEST_F(JobSuspensionTest, AFailedCheckpointIsTriedAgain) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend();
  Decline();
  EXPECT_EQ(State(), "RUNNING");
  behavior_.answer_triggers = true;
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(replied_, absl::OkStatus());
}

TEST_F(JobSuspensionTest, AfterThreeFailuresTheJobRunsOn) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend();
  for (int i = 0; i < 3; ++i) {
    Wait(absl::Seconds(1));
    ASSERT_TRUE(worker(0).last.has_trigger());
    Decline();
  }
  Wait(absl::Milliseconds(200));
  EXPECT_EQ(replied_, absl::AbortedError(
                          "job j is not suspended and runs on: its checkpoint failed 3 times in a "
                          "row, the last time: declined: the disk is full"));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_THAT(Reason(), HasSubstr("not suspended: its checkpoint failed 3 times"));
  EXPECT_FALSE(worker(0).last.hold_sources());
  EXPECT_FALSE(job().history().suspension_requested());
  behavior_.answer_triggers = true;
  Wait(absl::Minutes(1));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobSuspensionTest, AWorkersDeathDelaysIt) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend();
  tm(1).KillWorker(WorkerIdOf(1), "killed by signal 9 (SIGKILL)");
  behavior_.answer_triggers = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(replied_, absl::OkStatus());
}

TEST_F(JobSuspensionTest, ANewLeaderGoesOnWithIt) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend(/*wait=*/false);
  ASSERT_EQ(replied_, absl::OkStatus());
  LeaderDies();
  behavior_.answer_triggers = true;
  Adopt();
  for (auto& manager : task_managers_) Reconnect(*manager);
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Reason(), "suspended by request");
  EXPECT_GE(NewestOwned(), 1u);
}

TEST_F(JobSuspensionTest, AFullDiskDelaysTheEntry) {
  SubmitAndRun();
  tm(1).Disconnect();
  Wait(absl::Seconds(3));
  files_.Inject({.call = TestingFileSystem::Call::kCreate,
                 .status = absl::ResourceExhaustedError("no space left on device"),
                 .path_part = "/log/",
                 .times = 1});
  Suspend();
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(replied_, std::nullopt);
  Wait(absl::Seconds(2));
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_NE(job().history().suspended(), nullptr);
}

TEST_F(JobSuspensionTest, ACancelWins) {
  SubmitAndRun();
  behavior_.answer_triggers = false;
  Suspend();
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_EQ(replied_, absl::FailedPreconditionError("job j is not suspended: it is CANCELLING"));
}

TEST_F(JobSuspensionTest, AnEndedJobIsNotSuspended) {
  SubmitAndRun();
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  Suspend();
  EXPECT_EQ(replied_, absl::FailedPreconditionError("job j is CANCELED already"));
}

class JobRestartTest : public JobTest {
 protected:
  void Restart(uint64_t generation = 0) {
    job().Restart(Generation(generation),
                  [this](const absl::Status& status) { replied_ = status; });
    Wait(absl::ZeroDuration());
  }
  absl::Status replied_ = absl::UnknownError("no reply");
};

TEST_F(JobRestartTest, TheNextGenerationRunsInNewWorkers) {
  SubmitAndRun();
  Wait(kInterval + absl::Seconds(1));
  const std::string before = WorkerIdOf(0);
  job().Restart(Generation(), [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
  EXPECT_EQ(Reason(), "restarted by request");
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(generation(), 2u);
  EXPECT_NE(WorkerIdOf(0), before);
  EXPECT_EQ(LastOf(proto::JobLogEntry::kStarted).started().restored_epoch(), 1u);
  EXPECT_EQ(job().Summary().restarts(), 1u);
}

TEST_F(JobRestartTest, AnOldWorkerIsNotTakenBackWhileTheJobWaits) {
  SubmitAndRun();
  const std::string before = WorkerIdOf(0);
  tm(1).Disconnect();  // one slot is missing from now on
  Wait(absl::Seconds(2));
  ASSERT_EQ(State(), "SCHEDULING");
  Restart();
  proto::WorkerStatus status;  // it has not been killed yet
  status.set_worker(before);
  status.set_job("j");
  status.set_state(proto::WorkerStatus::CONNECTED);
  job().OnWorkerStatus(TaskManagerId("tm-a"), status);
  AddTaskManager("tm-c");
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_NE(WorkerIdOf(0), before);
}

TEST_F(JobRestartTest, ItDoesNotCountAgainstTheStrategy) {
  options_.restart.strategy = RestartOptions::Strategy::kFixedDelay;
  options_.restart.fixed_attempts = 1;
  SubmitAndRun();
  for (int i = 0; i < 3; ++i) {
    Restart();
    Wait(absl::Seconds(2));
    ASSERT_EQ(State(), "RUNNING");
  }
  tm(1).KillWorker(WorkerIdOf(1), "killed");
  Wait(absl::Seconds(3));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobRestartTest, RepeatedForTheSameGenerationItIsOne) {
  SubmitAndRun();
  Restart(1);
  Wait(absl::Seconds(2));
  Restart(1);
  Wait(absl::Seconds(2));
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(generation(), 2u);
}

TEST_F(JobRestartTest, ABackoffIsCutShort) {
  options_.restart.strategy = RestartOptions::Strategy::kFixedDelay;
  options_.restart.fixed_delay = absl::Hours(1);
  SubmitAndRun();
  tm(1).KillWorker(WorkerIdOf(1), "killed");
  Wait(absl::Seconds(1));
  ASSERT_EQ(State(), "RECOVERING");
  Restart();
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobRestartTest, ASuspendedJobIsToBeResumed) {
  SubmitAndRun();
  job().RequestSuspension(true, [](const absl::Status&) {});
  Wait(absl::Seconds(1));
  Restart();
  EXPECT_EQ(replied_,
            absl::FailedPreconditionError("job j is SUSPENDED: there is nothing to restart; use "
                                          "'weir resume'"));
}

TEST_F(JobRestartTest, AnEndedJobSaysSo) {
  SubmitAndRun();
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  Restart();
  EXPECT_EQ(replied_, absl::FailedPreconditionError("job j is CANCELED already"));
}

TEST_F(JobSuspensionTest, AFailureThatSuspendsDoesSoWhileTheJobRuns) {
  SubmitAndRun();
  Wait(kInterval + absl::Seconds(1));
  const uint64_t owned = NewestOwned();
  proto::Failure failure;
  failure.set_message("Kafka topic 't' has 3 partitions by now and had 2");
  failure.set_suspends(true);
  failure.set_retriable(true);
  worker(1).failure = failure;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_EQ(Reason(), "Kafka topic 't' has 3 partitions by now and had 2");
  EXPECT_EQ(NewestOwned(), owned);
  EXPECT_EQ(generation(), 1u) << "nothing is tried again";
  Wait(absl::Minutes(10));
  EXPECT_EQ(State(), "SUSPENDED");
}

}  // namespace
}  // namespace weir::jobmanager

// The life of one job under one leader, as long as nothing breaks.
#include "jobmanager/job/job_master.h"

#include "absl/strings/str_format.h"

#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using proto::JobLogEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobMasterTest : public JobTest {
 protected:
  void Cancel() {
    job().Cancel([this](const absl::Status& status) { replied_ = status; });
    Wait(absl::Seconds(1));
  }
  void Stop() {
    job().Stop([this](const absl::Status& status) { replied_ = status; });
    Wait(absl::Seconds(1));
  }
  absl::Status replied_ = absl::UnknownError("no reply");
};

// Start

TEST_F(JobMasterTest, WithoutSlotsItWaitsAndSaysWhatItNeeds) {
  Submit(TestingGraph(2));
  EXPECT_EQ(State(), "SCHEDULING");
  EXPECT_EQ(Reason(), "waits for slots: needs 2 slots; 0 are free on 0 TaskManagers");
}

TEST_F(JobMasterTest, ItIsDeployedOnceSlotsAreThere) {
  behavior_.become_ready = false;
  Submit(TestingGraph(2));
  AddTaskManager("tm-a", 2);
  EXPECT_EQ(State(), "DEPLOYING");
}

TEST_F(JobMasterTest, EachTaskManagerGetsOneWorker) {
  SubmitAndRun();
  EXPECT_THAT(tm(0).workers, SizeIs(1));
  EXPECT_THAT(tm(1).workers, SizeIs(1));
}

TEST_F(JobMasterTest, AWorkerIsDeployedOnlyOnceItsStartCounts) {
  Submit(TestingGraph(1));
  files_.Inject(
      {TestingFileSystem::Call::kCreate, absl::UnavailableError("gone"), "/log/", false, 1000});
  AddTaskManager("tm-a");
  Wait(absl::Seconds(1));
  EXPECT_THAT(worker(0).generations, IsEmpty());
}

TEST_F(JobMasterTest, NothingRunsBeforeEpochZeroIsOwned) {
  Submit(TestingGraph(1));
  behavior_.become_ready = false;
  AddTaskManager("tm-a");
  files_.Inject(
      {TestingFileSystem::Call::kCreate, absl::UnavailableError("gone"), "/log/", false, 1000});
  behavior_.become_ready = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "DEPLOYING");
  EXPECT_FALSE(worker(0).ran);
}

TEST_F(JobMasterTest, NothingRunsBeforeAllWorkersAreReady) {
  behavior_.become_ready = false;
  Submit(TestingGraph(1));
  AddTaskManager("tm-a");
  Wait(absl::Seconds(1));
  EXPECT_EQ(job().history().newest_owned(), nullptr);
  EXPECT_FALSE(worker(0).ran);
}

TEST_F(JobMasterTest, EpochZeroComesBeforeTheFirstRecord) {
  SubmitAndRun();
  EXPECT_EQ(NewestOwned(), 0u);
  EXPECT_EQ(LastOf(JobLogEntry::kCheckpoint).checkpoint().manifest().coordinators(0).splits(0).id(),
            "flights-0");
}

TEST_F(JobMasterTest, WorkersAreToldTheirTasks) {
  SubmitAndRun();
  EXPECT_THAT(worker(0).deployment.tasks(), SizeIs(1));
  EXPECT_EQ(worker(0).deployment.storage_root(), "/w/east/jobs/j");
  EXPECT_EQ(worker(0).deployment.probe_object(), "/w/east/jobs/j/probe");
}

TEST_F(JobMasterTest, WorkersThatAreNotReadyInTimeFailTheGeneration) {
  behavior_.become_ready = false;
  Submit(TestingGraph(1));
  AddTaskManager("tm-a");
  Wait(absl::Minutes(2));
  EXPECT_EQ(job().Summary().restarts(), 1u);
  EXPECT_THAT(Reason(), HasSubstr("not all workers were ready within 2m"));
}

// To publish aborted transactions again may take long.
TEST_F(JobMasterTest, AWorkerThatGetsOnWithItsInitializationIsWaitedFor) {
  behavior_.become_ready = false;
  Submit(TestingGraph(1));
  AddTaskManager("tm-a");
  for (int i = 1; i <= 4; ++i) {
    behavior_.initialization_steps = static_cast<uint64_t>(i);
    Wait(absl::Minutes(1));
  }
  EXPECT_EQ(job().Summary().restarts(), 0u);
  Wait(absl::Minutes(2));
  EXPECT_EQ(job().Summary().restarts(), 1u);
}

TEST_F(JobMasterTest, DetailsHoldWhatAnOperatorShouldKnow) {
  SubmitAndRun();
  EXPECT_THAT(job().Details().notes(), ElementsAre("the topic is compacted"));
}

TEST_F(JobMasterTest, DetailsNameTheWorkersAndTheirTasks) {
  SubmitAndRun();
  const proto::JobDetails details = job().Details();
  ASSERT_THAT(details.workers(), SizeIs(2));
  EXPECT_EQ(details.workers(0).state(), "CONNECTED");
  EXPECT_THAT(details.tasks(), SizeIs(2));
}

// Checkpoints

TEST_F(JobMasterTest, ACheckpointIsOwnedEveryInterval) {
  SubmitAndRun();
  Wait(kInterval);
  EXPECT_EQ(NewestOwned(), 1u);
  Wait(kInterval);
  EXPECT_EQ(NewestOwned(), 2u);
}

TEST_F(JobMasterTest, WorkersMayCommitWhatIsOwned) {
  SubmitAndRun();
  Wait(kInterval);
  EXPECT_EQ(worker(0).last.permitted_epoch(), 1u);
}

TEST_F(JobMasterTest, WhatEveryWorkerCommittedGetsItsReceipt) {
  SubmitAndRun(/*transactional=*/true);
  Wait(kInterval);
  EXPECT_TRUE(job().history().AwaitsReceipt(Epoch(1)));
  Wait(kInterval);
  EXPECT_FALSE(job().history().AwaitsReceipt(Epoch(1)));
}

TEST_F(JobMasterTest, WorkersLearnWhichReceiptsAreInTheLog) {
  SubmitAndRun(/*transactional=*/true);
  Wait(2 * kInterval);
  EXPECT_EQ(worker(0).last.received_epoch(), 1u);
}

TEST_F(JobMasterTest, WithoutCommitsOfAllNoReceiptIsWritten) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  Wait(3 * kInterval);
  EXPECT_TRUE(job().history().AwaitsReceipt(Epoch(1)));
}

TEST_F(JobMasterTest, TooManyFailedCheckpointsStartTheJobAnew) {
  options_.checkpoint.tolerable_failures = 1;
  options_.checkpoint.timeout = absl::Seconds(1);
  SubmitAndRun();
  behavior_.answer_triggers = false;
  behavior_.become_ready = false;
  Wait(2 * kInterval + absl::Seconds(2));
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(Reason(),
            "more than 1 checkpoints failed in a row, the last one: timed out after 1s: 2 tasks "
            "have not answered");
}

// The end of the input

TEST_F(JobMasterTest, AFinishedInputIsCommittedByAFinalCheckpoint) {
  SubmitAndRun();
  behavior_.finished = true;
  Wait(absl::Seconds(1));
  EXPECT_TRUE(LastOf(JobLogEntry::kCheckpoint).checkpoint().final());
}

TEST_F(JobMasterTest, AJobWhoseFinalCheckpointIsCommittedIsFinished) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.finished = true;
  Wait(absl::Seconds(1));
  // No attempt follows the final one.
  EXPECT_FALSE(LastOf(JobLogEntry::kAborted).has_aborted());
  EXPECT_EQ(State(), "FINISHED");
  EXPECT_EQ(LastOf(JobLogEntry::kTerminal).terminal().state(), proto::JobTerminal::FINISHED);
}

TEST_F(JobMasterTest, AJobWhoseFinalCheckpointIsNotCommittedIsNotFinished) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  behavior_.finished = true;
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobMasterTest, AFinishedJobGivesItsSlotsBack) {
  SubmitAndRun();
  behavior_.finished = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(leader_->registry.Describe()[0].slots_used(), 0u);
}

TEST_F(JobMasterTest, AFinishedJobsWorkersAreWithdrawn) {
  SubmitAndRun();
  behavior_.finished = true;
  Wait(absl::Seconds(1));
  EXPECT_THAT(tm(0).workers, IsEmpty());
}

TEST_F(JobMasterTest, NothingFollowsTheTerminalEntry) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.finished = true;
  Wait(absl::Seconds(1));
  const size_t entries = Entries().size();
  Wait(3 * kInterval);
  EXPECT_THAT(Entries(), SizeIs(entries));
  EXPECT_TRUE(Entries().back().has_terminal());
}

// Cancel and stop

TEST_F(JobMasterTest, ACanceledJobIsCanceled) {
  SubmitAndRun();
  Cancel();
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(State(), "CANCELED");
}

TEST_F(JobMasterTest, ACancelIsInTheLogBeforeItsEnd) {
  SubmitAndRun();
  Cancel();
  EXPECT_TRUE(LastOf(JobLogEntry::kStopRequested).stop_requested().cancel());
  EXPECT_EQ(LastOf(JobLogEntry::kTerminal).terminal().state(), proto::JobTerminal::CANCELED);
}

TEST_F(JobMasterTest, AJobThatWaitsForSlotsCanBeCanceled) {
  Submit(TestingGraph(2));
  Cancel();
  EXPECT_EQ(State(), "CANCELED");
}

TEST_F(JobMasterTest, ACancelDuringACheckpointEndsTheJob) {
  behavior_.answer_triggers = false;
  SubmitAndRun();
  Wait(kInterval);
  Cancel();
  EXPECT_EQ(State(), "CANCELED");
}

TEST_F(JobMasterTest, AnEndedJobCannotBeCanceled) {
  SubmitAndRun();
  Cancel();
  Cancel();
  EXPECT_EQ(replied_, absl::FailedPreconditionError("job j is CANCELED already"));
}

TEST_F(JobMasterTest, TwoCancelsAreOneEnd) {
  SubmitAndRun();
  job().Cancel([](const absl::Status&) {});
  Cancel();
  int ends = 0;
  for (const JobLogEntry& entry : Entries()) ends += entry.has_terminal();
  EXPECT_EQ(ends, 1);
}

TEST_F(JobMasterTest, StopEndsTheSources) {
  SubmitAndRun();
  job().Stop([](const absl::Status&) {});
  Wait(absl::ZeroDuration());
  EXPECT_FALSE(LastOf(JobLogEntry::kStopRequested).stop_requested().cancel());
  EXPECT_TRUE(LastOf(JobLogEntry::kCheckpoint).checkpoint().final());
}

TEST_F(JobMasterTest, AStoppedJobIsFinished) {
  SubmitAndRun();
  Stop();
  EXPECT_EQ(replied_, absl::OkStatus());
  EXPECT_EQ(State(), "FINISHED");
}

// Its input is read and committed: a worker lost while the end cannot be written changes nothing.
TEST_F(JobMasterTest, AFullDiskDelaysTheEndAndAWorkerLostMeanwhileDoesNotUndoIt) {
  SubmitAndRun();
  const uint64_t terminal = Entries().size() + 2;  // behind the final checkpoint
  files_.Inject({.call = TestingFileSystem::Call::kCreate,
                 .status = absl::ResourceExhaustedError("no space left on device"),
                 .path_part = absl::StrFormat("/log/%010d", terminal),
                 .times = 1});
  behavior_.finished = true;
  Wait(absl::Milliseconds(900));
  ASSERT_EQ(Entries().size() + 1, terminal);
  tm(0).KillWorker(WorkerIdOf(0), "killed by signal 9 (SIGKILL)");
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "FINISHED");
  EXPECT_EQ(generation(), 1u);
}

TEST_F(JobMasterTest, AStopBeforeTheJobRunsTakesEffectWhenItDoes) {
  behavior_.become_ready = false;
  Submit(TestingGraph(1));
  AddTaskManager("tm-a");
  Stop();
  ASSERT_EQ(State(), "DEPLOYING");
  behavior_.become_ready = true;
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "FINISHED");
}

TEST_F(JobMasterTest, AnEndedJobCannotBeStopped) {
  SubmitAndRun();
  Cancel();
  Stop();
  EXPECT_EQ(replied_.code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weir::jobmanager

// What a job does when workers, TaskManagers, its storage or its leader are lost.
#include "jobmanager/job/job_master.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using proto::JobLogEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

class JobRecoveryTest : public JobTest {
 protected:
  /// Kills the worker of a TaskManager and lets the job come back.
  void KillWorker(size_t index) {
    tm(index).KillWorker(WorkerIdOf(index), "killed by signal 9 (SIGKILL)");
    Wait(absl::Seconds(1));
  }
  void CorruptManifests() {
    for (const std::string& path : files_.memory.Paths()) {
      if (absl::StrContains(path, "/manifests/")) {
        ASSERT_TRUE(files_.memory.Replace(path, "garbage").ok());
      }
    }
  }
  void BringEverybodyBack() {
    Reconnect(tm(0));
    Reconnect(tm(1));
    Wait(absl::Seconds(1));
  }
};

// Workers

TEST_F(JobRecoveryTest, AWorkerThatHangsIsKilledAndTheJobRecovered) {
  options_.worker_timeout = absl::Seconds(5);
  SubmitAndRun();
  const std::string hung = WorkerIdOf(0);
  worker(0).silent = true;
  Wait(absl::Milliseconds(4900));
  EXPECT_EQ(generation(), 1u);
  Wait(absl::Seconds(3));
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(tm(0).workers.count(hung), 0u);
}

constexpr char kStall[] = "operator 'Enrich' of task 1.0 (flights) has been running for 12s";

TEST_F(JobRecoveryTest, WhenAWorkerThatHangsIsKilledTheReasonNamesItsOperator) {
  options_.worker_timeout = absl::Seconds(5);
  SubmitAndRun();
  worker(0).stalls = {kStall};
  Wait(absl::Seconds(1));
  behavior_.become_ready = false;
  worker(0).silent = true;
  Wait(absl::Seconds(5));
  EXPECT_THAT(Reason(),
              testing::HasSubstr(absl::StrCat(
                  "has not reported for 5s; it is killed; when it was last heard of, ", kStall)));
}

TEST_F(JobRecoveryTest, AStepThatStandsStillIsANoteWhileItDoes) {
  SubmitAndRun();
  worker(0).stalls = {kStall};
  Wait(absl::Seconds(1));
  EXPECT_THAT(job().Details().notes(), testing::Contains(kStall));
  worker(0).stalls.clear();
  Wait(absl::Seconds(1));
  EXPECT_THAT(job().Details().notes(), testing::Not(testing::Contains(kStall)));
}

TEST_F(JobRecoveryTest, AWorkerWhoseFunctionDoesNotReturnIsReplacedInTheEnd) {
  SubmitAndRun();
  const std::string hung = WorkerIdOf(0);
  worker(0).stalls = {kStall};
  worker(0).deaf = true;
  behavior_.become_ready = false;
  KillWorker(1);
  Wait(absl::Minutes(2));
  EXPECT_EQ(tm(0).workers.count(hung), 0u);
  EXPECT_EQ(Reason(), absl::StrCat("not all workers were ready within 2m; worker ", hung,
                                   " is killed; when it was last heard of, ", kStall));
  behavior_.become_ready = true;
  Wait(absl::Minutes(3));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobRecoveryTest, AWorkersExitStartsANewGeneration) {
  SubmitAndRun();
  KillWorker(1);
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(generation(), 2u);
}

TEST_F(JobRecoveryTest, AWorkersExitIsNamedWhileTheJobRecovers) {
  SubmitAndRun();
  const std::string id = WorkerIdOf(1);
  behavior_.become_ready = false;
  KillWorker(1);
  EXPECT_EQ(Reason(), "worker " + id + " on TaskManager tm-b killed by signal 9 (SIGKILL)");
}

TEST_F(JobRecoveryTest, TheNewGenerationRestoresTheNewestOwnedEpoch) {
  SubmitAndRun();
  Wait(2 * kInterval);
  KillWorker(1);
  EXPECT_EQ(LastOf(JobLogEntry::kStarted).started().restored_epoch(), 2u);
  EXPECT_EQ(worker(1).deployment.restored_epoch(), 2u);
}

TEST_F(JobRecoveryTest, EveryTaskGetsItsSnapshotBack) {
  SubmitAndRun();
  Wait(kInterval);
  KillWorker(1);
  EXPECT_EQ(worker(1).deployment.tasks(0).restored().operators(0).splits(0).position(),
            "read in epoch 1");
}

TEST_F(JobRecoveryTest, ASurvivorKeepsItsProcess) {
  SubmitAndRun();
  const std::string survivor = WorkerIdOf(0);
  KillWorker(1);
  EXPECT_EQ(WorkerIdOf(0), survivor);
  EXPECT_THAT(worker(0).generations, ElementsAre(1u, 2u));
}

TEST_F(JobRecoveryTest, TheLostWorkerIsReplacedUnderAnotherId) {
  SubmitAndRun();
  const std::string lost = WorkerIdOf(1);
  KillWorker(1);
  EXPECT_NE(WorkerIdOf(1), lost);
}

TEST_F(JobRecoveryTest, AnIdleTimeBeforeTheRestartIsKept) {
  options_.restart.strategy = RestartOptions::Strategy::kFixedDelay;
  options_.restart.fixed_delay = absl::Seconds(5);
  SubmitAndRun();
  KillWorker(1);
  EXPECT_EQ(State(), "RECOVERING");
  Wait(absl::Seconds(5));
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobRecoveryTest, SurvivorsAreIdleUntilTheNextGeneration) {
  options_.restart.strategy = RestartOptions::Strategy::kFixedDelay;
  SubmitAndRun();
  tm(1).KillWorker(WorkerIdOf(1), "exited");
  Wait(absl::Milliseconds(1));
  EXPECT_EQ(worker(0).generation, 0u);
}

TEST_F(JobRecoveryTest, ARetriableFailureStartsANewGeneration) {
  SubmitAndRun();
  tm(0).FailWorker(WorkerIdOf(0), "broker is away", true);
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(generation(), 2u);
}

TEST_F(JobRecoveryTest, AFailureThatCannotHealFailsTheJobWithItsSentence) {
  SubmitAndRun();
  tm(0).FailWorker(WorkerIdOf(0), "there is no topic 'flihgts'", false);
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "FAILED");
  EXPECT_EQ(Reason(), "there is no topic 'flihgts'");
}

TEST_F(JobRecoveryTest, AFailedJobIsFailedInItsLog) {
  SubmitAndRun();
  tm(0).FailWorker(WorkerIdOf(0), "there is no topic 'flihgts'", false);
  Wait(absl::Seconds(1));
  EXPECT_EQ(LastOf(JobLogEntry::kTerminal).terminal().reason(), "there is no topic 'flihgts'");
}

TEST_F(JobRecoveryTest, AFailedJobsWorkersAreWithdrawn) {
  SubmitAndRun();
  tm(0).FailWorker(WorkerIdOf(0), "no", false);
  Wait(absl::Seconds(1));
  EXPECT_THAT(tm(0).workers, IsEmpty());
}

TEST_F(JobRecoveryTest, AStrategyThatGivesUpFailsTheJobAndSaysWhy) {
  options_.restart.strategy = RestartOptions::Strategy::kNone;
  SubmitAndRun();
  KillWorker(1);
  EXPECT_EQ(State(), "FAILED");
  EXPECT_THAT(Reason(), HasSubstr("killed by signal 9 (SIGKILL); restart.strategy is none"));
}

TEST_F(JobRecoveryTest, AFailureWhileTheStartIsLoggedUsesTheNextGeneration) {
  SubmitAndRun();
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/log/", false, 3});
  tm(0).KillWorker(WorkerIdOf(0), "exited");
  Wait(absl::Milliseconds(1));
  tm(1).KillWorker(WorkerIdOf(1), "exited");
  Wait(absl::Seconds(2));
  std::vector<uint64_t> started;
  for (const JobLogEntry& entry : Entries()) {
    if (entry.has_started()) started.push_back(entry.started().generation());
  }
  EXPECT_THAT(started, ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(worker(0).generation, 3u);
}

TEST_F(JobRecoveryTest, ACheckpointInFlightIsDecidedBeforeTheNextGenerationStarts) {
  SubmitAndRun();
  Wait(kInterval / 2);
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/log/", true, 10});
  const size_t tries = files_.created.size();
  while (files_.created.size() == tries) Wait(absl::Milliseconds(10));
  KillWorker(1);
  Wait(absl::Seconds(2));
  EXPECT_EQ(LastOf(JobLogEntry::kStarted).started().restored_epoch(), 1u);
}

// TaskManagers

TEST_F(JobRecoveryTest, ABrokenStreamThatComesBackChangesNothing) {
  SubmitAndRun();
  tm(1).Disconnect();
  Wait(absl::Milliseconds(900));
  Reconnect(tm(1));
  Wait(absl::Seconds(3));
  EXPECT_EQ(generation(), 1u);
  EXPECT_EQ(State(), "RUNNING");
}

TEST_F(JobRecoveryTest, ALostTaskManagersSlotsArePlacedAnew) {
  SubmitAndRun();
  AddTaskManager("tm-c");
  tm(1).Disconnect();
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(worker(2).generation, 2u);
}

TEST_F(JobRecoveryTest, WithoutASpareTheJobWaitsForSlots) {
  SubmitAndRun();
  tm(1).Disconnect();
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "SCHEDULING");
  EXPECT_EQ(Reason(), "waits for slots: needs 2 slots; 1 is free on 1 TaskManager");
}

TEST_F(JobRecoveryTest, TheLossOfATaskManagerThatItDoesNotUseChangesNothing) {
  SubmitAndRun();
  AddTaskManager("tm-c").Disconnect();
  Wait(absl::Seconds(3));
  EXPECT_EQ(generation(), 1u);
}

// Storage

TEST_F(JobRecoveryTest, ACorruptManifestSuspendsTheJobAndNamesIt) {
  options_.checkpoint.manifest_inline_max_bytes = 1;
  SubmitAndRun();
  Wait(kInterval);
  CorruptManifests();
  KillWorker(1);
  EXPECT_EQ(State(), "SUSPENDED");
  EXPECT_THAT(Reason(), testing::MatchesRegex(
                            "the newest checkpoint cannot be restored: manifest "
                            "/w/east/jobs/j/manifests/1-[^ ]* of epoch 1 is corrupt: its checksum "
                            "differs"));
}

TEST_F(JobRecoveryTest, ASuspendedJobGivesItsSlotsBack) {
  options_.checkpoint.manifest_inline_max_bytes = 1;
  SubmitAndRun();
  CorruptManifests();
  KillWorker(1);
  EXPECT_EQ(leader_->registry.Describe()[0].slots_used(), 0u);
  EXPECT_THAT(tm(0).workers, IsEmpty());
}

TEST_F(JobRecoveryTest, ASuspendedJobCanBeCanceled) {
  options_.checkpoint.manifest_inline_max_bytes = 1;
  SubmitAndRun();
  CorruptManifests();
  KillWorker(1);
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "CANCELED");
}

TEST_F(JobRecoveryTest, AManifestThatCannotBeReadNowIsTriedAgain) {
  options_.checkpoint.manifest_inline_max_bytes = 1;
  SubmitAndRun();
  files_.Inject({Call::kRead, absl::UnavailableError("gone"), "/manifests/", false, 1});
  KillWorker(1);
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(job().Summary().restarts(), 1u);  // the try that failed had not begun
}

// The leader

TEST_F(JobRecoveryTest, ANewLeaderStartsTheNextGenerationFromTheNewestEpoch) {
  SubmitAndRun();
  Wait(kInterval);
  LeaderDies();
  Adopt();
  BringEverybodyBack();
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_EQ(generation(), 2u);
  EXPECT_EQ(worker(0).deployment.restored_epoch(), 1u);
  EXPECT_EQ(job().Summary().restarts(), 1u);  // of the job, not of this leader
}

TEST_F(JobRecoveryTest, ANewLeadersFirstEntryIsATakeover) {
  SubmitAndRun();
  LeaderDies();
  Adopt();
  EXPECT_EQ(LastOf(JobLogEntry::kTakeover).takeover().term().number(), 2u);
}

TEST_F(JobRecoveryTest, WorkersSurviveTheirLeader) {
  SubmitAndRun();
  const std::string first = WorkerIdOf(0);
  const std::string second = WorkerIdOf(1);
  LeaderDies();
  Adopt();
  BringEverybodyBack();
  EXPECT_EQ(WorkerIdOf(0), first);
  EXPECT_EQ(WorkerIdOf(1), second);
}

TEST_F(JobRecoveryTest, ANewLeaderWaitsForTheTaskManagersOfTheJob) {
  SubmitAndRun();
  LeaderDies();
  Adopt();
  AddTaskManager("tm-c", 2);
  Wait(absl::Milliseconds(500));
  EXPECT_EQ(State(), "SCHEDULING");
  EXPECT_THAT(tm(2).workers, IsEmpty());
}

TEST_F(JobRecoveryTest, ANewLeaderDoesNotWaitForThemForever) {
  SubmitAndRun();
  LeaderDies();
  Adopt();
  AddTaskManager("tm-c", 2);
  Wait(absl::Seconds(2));
  EXPECT_EQ(State(), "RUNNING");
  EXPECT_THAT(tm(2).workers, SizeIs(1));
}

TEST_F(JobRecoveryTest, AFormerLeaderLearnsThatItIsStale) {
  SubmitAndRun();
  std::unique_ptr<TestingLeadership> former = std::move(leader_);
  Adopt();
  former->master->Stop([](const absl::Status&) {});
  Wait(absl::ZeroDuration());
  EXPECT_TRUE(absl::IsAborted(former->stale));
}

TEST_F(JobRecoveryTest, AnOlderLeaderCannotTakeOver) {
  SubmitAndRun();
  LeaderDies();
  Adopt(3);
  auto older = MakeLeader(2);
  absl::Status adopted;
  older->master->Adopt([&adopted](const absl::Status& status) { adopted = status; });
  Wait(absl::ZeroDuration());
  EXPECT_FALSE(adopted.ok());
}

// The former leader still lives, and was not done.
TEST_F(JobRecoveryTest, AJobThatEndsWhileItIsTakenOverIsLeftAlone) {
  SubmitAndRun();
  const CreateOnlyLog::Dependencies dependencies{files_, pool_, executor_};
  const std::string directory = layout_.JobLogDirectory(JobId("j"));
  const auto ignore = [](const absl::Status&) {};
  JobLog former(directory, LeaderTerm(1), dependencies, random_, ignore);
  JobLog next(directory, LeaderTerm(2), dependencies, random_, ignore);
  former.Load(ignore);
  next.Load(ignore);
  Wait(absl::ZeroDuration());
  former.Append(
      [](const JobHistory&) {
        JobLogEntry entry;
        entry.mutable_terminal()->set_state(proto::JobTerminal::FINISHED);
        return entry;
      },
      ignore);
  Wait(absl::ZeroDuration());
  const size_t entries = files_.memory.Paths().size();
  absl::Status taken = absl::UnknownError("not done");
  next.TakeOver(proto::Term(), [&taken](const absl::Status& status) { taken = status; });
  Wait(absl::ZeroDuration());
  EXPECT_EQ(taken, absl::OkStatus());
  EXPECT_NE(next.history().terminal(), nullptr);
  EXPECT_EQ(files_.memory.Paths().size(), entries);
}

TEST_F(JobRecoveryTest, AnUncommittedEpochIsHandedToTheCoordinator) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  Wait(kInterval);
  LeaderDies();
  Adopt();
  BringEverybodyBack();
  ASSERT_THAT(worker(0).deployment.uncommitted(), SizeIs(1));
  EXPECT_EQ(worker(0).deployment.uncommitted(0).epoch(), 1u);
}

TEST_F(JobRecoveryTest, WhatTheCoordinatorCommittedOnTheWayUpGetsItsReceipt) {
  SubmitAndRun(/*transactional=*/true);
  behavior_.commit = false;
  Wait(kInterval);
  LeaderDies();
  Adopt();
  BringEverybodyBack();
  Wait(kInterval);
  EXPECT_FALSE(job().history().AwaitsReceipt(Epoch(1)));
}

TEST_F(JobRecoveryTest, AFinalEpochWithoutAnEndFinishesTheJobOnAdoption) {
  SubmitAndRun();
  behavior_.finished = true;
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/0000000005", false, 1000000});
  Wait(absl::Seconds(1));
  ASSERT_TRUE(job().history().newest_owned()->checkpoint.final());
  ASSERT_EQ(job().history().terminal(), nullptr);
  LeaderDies();
  files_.ClearFaults();
  Adopt();
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "FINISHED");
}

TEST_F(JobRecoveryTest, ACancelThatTheFormerLeaderPromisedIsKept) {
  SubmitAndRun();
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "/0000000005", false, 1000000});
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  ASSERT_NE(job().history().stop_requested(), nullptr);
  LeaderDies();
  files_.ClearFaults();
  Adopt();
  Wait(absl::Seconds(1));
  EXPECT_EQ(State(), "CANCELED");
}

TEST_F(JobRecoveryTest, AStopThatTheFormerLeaderPromisedIsKept) {
  behavior_.answer_triggers = false;
  SubmitAndRun();
  job().Stop([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  LeaderDies();
  behavior_.answer_triggers = true;
  Adopt();
  BringEverybodyBack();
  EXPECT_EQ(State(), "FINISHED");
}

TEST_F(JobRecoveryTest, AnEndedJobIsNotTakenOver) {
  SubmitAndRun();
  job().Cancel([](const absl::Status&) {});
  Wait(absl::Seconds(1));
  const size_t entries = Entries().size();
  LeaderDies();
  Adopt();
  EXPECT_EQ(State(), "CANCELED");
  EXPECT_THAT(Entries(), SizeIs(entries));
}

}  // namespace
}  // namespace weir::jobmanager

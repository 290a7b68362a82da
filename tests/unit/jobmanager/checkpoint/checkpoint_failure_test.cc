// Checkpoints that fail, and objects that nobody needs any more.
#include "tests/unit/jobmanager/checkpoint/testing_checkpoint_coordinator.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

// Failures

TEST_F(CheckpointCoordinatorTest, ADeclinedAttemptIsAborted) {
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_EQ(LastEntry().aborted().epoch(), 1u);
  EXPECT_EQ(LastEntry().aborted().reason(), "sink is closed");
}

TEST_F(CheckpointCoordinatorTest, AFailedEpochIsToldToTheWorkers) {
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_THAT(coordinator().failed_epochs(), ElementsAre(Epoch(1)));
}

TEST_F(CheckpointCoordinatorTest, AFailedEpochIsNotTriedAgainUnderItsNumber) {
  StartRunning();
  Interval();
  Decline(1);
  Interval();
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AnAttemptTimesOut) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1));
  executor_.Advance(options_.timeout);
  EXPECT_EQ(LastEntry().aborted().reason(), "timed out after 1m: 1 tasks have not answered");
}

TEST_F(CheckpointCoordinatorTest, AnAttemptThatIsCompleteDoesNotTimeOut) {
  options_.interval = absl::Hours(1);
  StartRunning();
  Complete(1);
  executor_.Advance(options_.timeout);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kAborted), 0);
}

TEST_F(CheckpointCoordinatorTest, AnAppendThatFailedForCertainFailsTheAttempt) {
  StartRunning();
  Interval();
  FailAppend(absl::ResourceExhaustedError("full"));
  AnswerAll(1);
  EXPECT_EQ(LastEntry().aborted().reason(), "cannot be written: full");
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
}

TEST_F(CheckpointCoordinatorTest, AManifestThatCannotBeWrittenFailsTheAttempt) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Interval();
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("full"), "/manifests/", false, 1});
  AnswerAll(1);
  EXPECT_EQ(LastEntry().aborted().reason(), "cannot be written: full");
}

TEST_F(CheckpointCoordinatorTest, AnAbortedEntryNamesTheManifestThatWasWritten) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Interval();
  FailAppend(absl::ResourceExhaustedError("full"));
  AnswerAll(1);
  ASSERT_THAT(LastEntry().aborted().objects(), SizeIs(1));
  EXPECT_THAT(LastEntry().aborted().objects(0), HasSubstr("manifests/1-"));
}

TEST_F(CheckpointCoordinatorTest, StopFailsThePendingAttempt) {
  StartRunning();
  Interval();
  coordinator().Stop("the generation failed");
  executor_.RunReady();
  EXPECT_EQ(LastEntry().aborted().reason(), "the generation failed");
}

TEST_F(CheckpointCoordinatorTest, TolerableFailuresDoNotFailTheJob) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_EQ(delegate_.too_many, "");
}

TEST_F(CheckpointCoordinatorTest, NoFailureIsTolerableWhereNoneIs) {
  options_.tolerable_failures = 0;
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_EQ(delegate_.too_many, "sink is closed");
}

TEST_F(CheckpointCoordinatorTest, OneFailureMoreThanTolerableFailsTheJob) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  Interval();
  Decline(2);
  EXPECT_EQ(delegate_.too_many, "sink is closed");
}

TEST_F(CheckpointCoordinatorTest, ASuccessStartsTheCountOfFailuresAnew) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  Complete(2);
  Interval();
  Decline(3);
  EXPECT_EQ(delegate_.too_many, "");
}

TEST_F(CheckpointCoordinatorTest, WithoutALimitAnyNumberMayFail) {
  StartRunning();
  for (uint64_t epoch = 1; epoch <= 20; ++epoch) {
    Interval();
    Decline(epoch);
  }
  EXPECT_EQ(delegate_.too_many, "");
}

// Deletion

TEST_F(CheckpointCoordinatorTest, BlobsOfAFailedAttemptAreNamedThenDeleted) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  Decline(1);
  EXPECT_THAT(LastEntry().aborted().objects(), ElementsAre("blob-0"));
  EXPECT_FALSE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedBeforeTheAbortedEntryCounts) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  FailAppend(absl::UnavailableError("gone"), false, 1000);
  Decline(1);
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedWhenTheAbortedEntryFailed) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  FailAppend(absl::ResourceExhaustedError("full"));
  Decline(1);
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, BlobsOfALateAnswerAreNamedThenDeleted) {
  StartRunning();
  Interval();
  Decline(1);
  coordinator().OnAnswer(AnswerOf({kTaskB}, 1, "late-"));
  executor_.RunReady();
  EXPECT_THAT(LastEntry().aborted().objects(), ElementsAre("late-1"));
  EXPECT_FALSE(files_.memory.Exists("/j/late-1"));
}

// An owned checkpoint has them, and so will later ones.
TEST_F(CheckpointCoordinatorTest, ALateAnswerTakesNoFileAwayThatItReuses) {
  StartRunning();
  Interval();
  Decline(1);
  proto::CheckpointAnswer late = AnswerOf({kTaskB}, 1, "late-");
  for (const bool reused : {true, false}) {
    proto::StateFile* file = late.mutable_snapshots(0)->mutable_operators(0)->add_files();
    file->mutable_object()->set_blob(reused ? "reused" : "new");
    file->set_reused(reused);
  }
  coordinator().OnAnswer(late);
  executor_.RunReady();
  EXPECT_THAT(LastEntry().aborted().objects(), ElementsAre("late-1", "new"));
}

TEST_F(CheckpointCoordinatorTest, WhatEndedWorkersLeftBehindIsNamedThenDeleted) {
  for (const char* worker : {"old", "new"}) {
    ASSERT_TRUE(files_.memory.MakeDirectory(std::string("/j/blobs/") + worker).ok());
  }
  StartRunning();
  Complete(1, "blobs/old/1-");
  const std::string left = "blobs/old/2-1";
  const std::string living = "blobs/new/2-1";
  for (const std::string& blob : {left, living}) {
    ASSERT_TRUE(files_.memory.CreateExclusive("/j/" + blob, "state").ok());
  }
  coordinator().Sweep({"new"});
  executor_.RunReady();
  EXPECT_THAT(LastEntry().swept().objects(), ElementsAre(left));
  EXPECT_FALSE(files_.memory.Exists("/j/" + left));
  EXPECT_TRUE(files_.memory.Exists("/j/" + living));
  EXPECT_TRUE(files_.memory.Exists("/j/blobs/old/1-0"));
}

// The workers of the next one have written meanwhile, and are not among those that were said to
// live.
TEST_F(CheckpointCoordinatorTest, ASweepThatEndsInAnotherGenerationDeletesNothing) {
  StartRunning();
  ASSERT_TRUE(files_.memory.MakeDirectory("/j/blobs/new").ok());
  ASSERT_TRUE(files_.memory.CreateExclusive("/j/blobs/new/2-1", "state").ok());
  coordinator().Sweep({"old"});
  coordinator().Stop("a worker died");
  executor_.RunReady();
  EXPECT_TRUE(files_.memory.Exists("/j/blobs/new/2-1"));
}

TEST_F(CheckpointCoordinatorTest, ARepeatedLateAnswerIsNamedOnce) {
  StartRunning();
  Interval();
  Decline(1);
  const proto::CheckpointAnswer late = AnswerOf({kTaskB}, 1, "late-");
  coordinator().OnAnswer(late);
  coordinator().OnAnswer(late);
  executor_.RunReady();
  EXPECT_EQ(CountOf(proto::JobLogEntry::kAborted), 2);
}

TEST_F(CheckpointCoordinatorTest, ALateAnswerOfAnOwnedEpochDeletesNothing) {
  StartRunning();
  Complete(1, "blob-");
  AnswerAll(1, "blob-");
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, KeepsTheRetainedEpochs) {
  options_.retained = 2;
  StartRunning();
  Complete(1);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kRetired), 0);
}

TEST_F(CheckpointCoordinatorTest, RetiresTheOldestEpochBeyondThem) {
  options_.retained = 2;
  StartRunning();
  Complete(1);
  Complete(2);
  EXPECT_EQ(LastEntry().retired().epoch(), 0u);
}

TEST_F(CheckpointCoordinatorTest, ARetiredEpochsObjectsAreDeleted) {
  options_.retained = 1;
  StartRunning();
  Complete(1, "one-");
  Complete(2, "two-");
  EXPECT_FALSE(files_.memory.Exists("/j/one-0"));
  EXPECT_TRUE(files_.memory.Exists("/j/two-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedBeforeTheRetiredEntryCounts) {
  options_.retained = 1;
  StartRunning();
  Complete(1, "one-");
  Interval();
  pool_.Hold();
  AnswerAll(2);
  EXPECT_TRUE(files_.memory.Exists("/j/one-0"));
  pool_.Release();
  executor_.RunReady();
  EXPECT_FALSE(files_.memory.Exists("/j/one-0"));
}

TEST_F(CheckpointCoordinatorTest, ANewLeaderDeletesAgainWhatItsPredecessorNamed) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  files_.Inject({Call::kRemove, absl::UnavailableError("gone"), "", false, 1});
  Decline(1);
  ASSERT_TRUE(files_.memory.Exists("/j/blob-0"));

  JobLog next("/j/log", kTerm.Next(), {files_, pool_, executor_}, random_,
              [](const absl::Status&) {});
  proto::Term term;
  term.set_number(kTerm.Next().value());
  next.Load([&](const absl::Status&) { next.TakeOver(term, [](const absl::Status&) {}); });
  executor_.RunReady();
  CheckpointCoordinator successor(JobId("j"), kTerm.Next(), options_,
                                  {clock_, executor_, pool_, random_, objects_, next, delegate_});
  successor.DeleteDoomed();
  EXPECT_FALSE(files_.memory.Exists("/j/blob-0"));
}

}  // namespace
}  // namespace weir::jobmanager

// Checkpoints that succeed: when they are triggered, what owns them, and which is the last.
#include "tests/unit/jobmanager/checkpoint/testing_checkpoint_coordinator.h"

namespace weir::jobmanager {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;

// Epoch 0

TEST_F(CheckpointCoordinatorTest, NothingIsPermittedBeforeAnEpochIsOwned) {
  EXPECT_FALSE(coordinator().permitted().has_value());
}

TEST_F(CheckpointCoordinatorTest, EpochZeroIsOwnedByItsEntry) {
  OwnInitial();
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
  EXPECT_EQ(LastEntry().checkpoint().epoch(), 0u);
}

TEST_F(CheckpointCoordinatorTest, EpochZeroHoldsTheStartingPositions) {
  delegate_.sources.emplace_back().add_splits()->set_id("flights-0");
  OwnInitial();
  EXPECT_EQ(LastEntry().checkpoint().manifest().coordinators(0).splits(0).id(), "flights-0");
}

TEST_F(CheckpointCoordinatorTest, EpochZeroAwaitsNoReceipt) {
  OwnInitial();
  EXPECT_FALSE(log_.history().AwaitsReceipt(Epoch(0)));
}

TEST_F(CheckpointCoordinatorTest, AFailureOfEpochZeroIsTold) {
  FailAppend(absl::ResourceExhaustedError("full"));
  OwnInitial();
  EXPECT_EQ(initial_failed_, absl::ResourceExhaustedError("full"));
}

TEST_F(CheckpointCoordinatorTest, TheNextTryOfAFailedEpochZeroHasANumberOfItsOwn) {
  FailAppend(absl::ResourceExhaustedError("full"));
  OwnInitial();
  coordinator().Stop("the generation failed");
  OwnInitial();
  EXPECT_THAT(delegate_.owned, ElementsAre(1u));
}

// Triggers

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredBeforeTheInterval) {
  StartRunning();
  executor_.Advance(options_.interval - absl::Milliseconds(1));
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, TheFirstTriggerComesAfterTheInterval) {
  StartRunning();
  Interval();
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, WorkersAreToldOfATrigger) {
  StartRunning();
  const int before = delegate_.directives_changed;
  Interval();
  EXPECT_EQ(delegate_.directives_changed, before + 1);
}

TEST_F(CheckpointCoordinatorTest, TheIntervalRunsFromTriggerToTrigger) {
  StartRunning();
  Interval();
  executor_.Advance(absl::Seconds(4));
  AnswerAll(1);
  executor_.Advance(absl::Seconds(6));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AMinimalPauseFollowsAnEnd) {
  options_.min_pause = absl::Seconds(8);
  StartRunning();
  Interval();
  executor_.Advance(absl::Seconds(4));
  AnswerAll(1);
  executor_.Advance(absl::Seconds(8) - absl::Milliseconds(1));
  EXPECT_FALSE(pending().has_value());
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, OneAttemptIsPendingAtATime) {
  StartRunning();
  executor_.Advance(3 * options_.interval);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredWhileStopped) {
  StartRunning();
  coordinator().Stop("the generation failed");
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

// Answers

TEST_F(CheckpointCoordinatorTest, SomeAnswersOwnNothing) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1));
  executor_.RunReady();
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
}

TEST_F(CheckpointCoordinatorTest, AllAnswersOwnTheEpoch) {
  StartRunning();
  Complete(1);
  EXPECT_THAT(delegate_.owned, ElementsAre(0u, 1u));
}

TEST_F(CheckpointCoordinatorTest, AnOwnedEpochIsPermitted) {
  StartRunning();
  Complete(1);
  EXPECT_EQ(coordinator().permitted(), Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, AnAnswerForAnotherLeadersAttemptDoesNotCount) {
  StartRunning();
  Interval();
  proto::CheckpointAnswer answer = AnswerOf({kTaskA, kTaskB}, 1);
  answer.set_attempt_term(kTerm.value() - 1);
  coordinator().OnAnswer(answer);
  executor_.RunReady();
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, AnAnswerForAnotherEpochDoesNotCount) {
  StartRunning();
  Interval();
  AnswerAll(7);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, ASmallManifestIsInlined) {
  StartRunning();
  Complete(1);
  EXPECT_THAT(LastEntry().checkpoint().manifest().tasks(), SizeIs(2));
}

TEST_F(CheckpointCoordinatorTest, ALargeManifestIsAnObject) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Complete(1);
  const proto::CheckpointOwned owned = LastEntry().checkpoint();
  EXPECT_FALSE(owned.has_manifest());
  EXPECT_THAT(objects_.ReadManifest(owned)->tasks(), SizeIs(2));
}

// Unknown outcome

TEST_F(CheckpointCoordinatorTest, AnAppendOfUnknownOutcomeOwnsNothing) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), true, 1000);
  AnswerAll(1);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(coordinator().permitted(), Epoch(0));
}

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredUntilAnUnknownOutcomeIsDecided) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), false, 1000);
  AnswerAll(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
  EXPECT_TRUE(coordinator().busy());
}

TEST_F(CheckpointCoordinatorTest, AnUnknownOutcomeThatWasDecidedOwnsTheEpoch) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), true);
  AnswerAll(1);
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_THAT(delegate_.owned, ElementsAre(0u, 1u));
}

TEST_F(CheckpointCoordinatorTest, StopDoesNotTakeBackAnEntryOnItsWay) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"));
  AnswerAll(1);
  coordinator().Stop("the generation failed");
  EXPECT_TRUE(coordinator().busy());
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(log_.history().newest_owned()->checkpoint.epoch(), 1u);
  EXPECT_FALSE(coordinator().busy());
}

TEST_F(CheckpointCoordinatorTest, AStaleLeaderOwnsNothingAndAnswersNothing) {
  StartRunning();
  Interval();
  ASSERT_TRUE(files_.memory.Replace("/j/log/0000000003", FrameChecked("other")).ok());
  AnswerAll(1);
  EXPECT_TRUE(absl::IsAborted(stale_));
  EXPECT_THAT(delegate_.owned, Not(Contains(1u)));
}

// Of a job that is being suspended

TEST_F(CheckpointCoordinatorTest, WhatFollowsAFailedOneSuspendsToo) {
  StartRunning();
  coordinator().RequestSuspending();
  executor_.RunReady();
  ASSERT_EQ(pending(), 1u);
  EXPECT_TRUE(coordinator().pending()->Trigger().suspends());
  Decline(1);
  Interval();  // nobody has asked again yet
  ASSERT_EQ(pending(), 2u);
  EXPECT_TRUE(coordinator().pending()->Trigger().suspends());
}

TEST_F(CheckpointCoordinatorTest, WhenItRunsOnNoCheckpointSuspendsIt) {
  StartRunning();
  coordinator().RequestSuspending();
  executor_.RunReady();
  Decline(1);
  coordinator().WithdrawSuspending();
  Interval();
  ASSERT_EQ(pending(), 2u);
  EXPECT_FALSE(coordinator().pending()->Trigger().suspends());
}

// The final checkpoint

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointIsTriggeredAtOnce) {
  StartRunning();
  coordinator().RequestFinal();
  ASSERT_EQ(pending(), 1u);
  EXPECT_TRUE(coordinator().pending()->final());
}

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointWaitsForThePendingOne) {
  StartRunning();
  Interval();
  coordinator().RequestFinal();
  EXPECT_FALSE(coordinator().pending()->final());
  AnswerAll(1);
  ASSERT_EQ(pending(), 2u);
  EXPECT_TRUE(coordinator().pending()->final());
}

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointWaitsForTheReceipt) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().RequestFinal();
  EXPECT_FALSE(pending().has_value());
  coordinator().OnCommitted(Epoch(1));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, TheFinalEpochSaysSoInItsEntry) {
  StartRunning();
  coordinator().RequestFinal();
  AnswerAll(1);
  EXPECT_TRUE(LastEntry().checkpoint().final());
  EXPECT_EQ(delegate_.final_epoch, Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, NothingFollowsTheFinalCheckpoint) {
  StartRunning();
  coordinator().RequestFinal();
  AnswerAll(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, AFailedFinalCheckpointIsTriedAgainAfterOneInterval) {
  StartRunning();
  coordinator().RequestFinal();
  Decline(1);
  EXPECT_FALSE(pending().has_value());
  Interval();
  ASSERT_EQ(pending(), 2u);
  EXPECT_TRUE(coordinator().pending()->final());
}

// Its owner asks at every report that finds all tasks finished.
TEST_F(CheckpointCoordinatorTest, AFailedFinalCheckpointIsNotTriedAtOnceWhoeverAsks) {
  StartRunning();
  coordinator().RequestFinal();
  Decline(1);
  for (int report = 0; report < 3; ++report) coordinator().RequestFinal();
  EXPECT_FALSE(pending().has_value());
  Interval();
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, NothingIsAppendedOnceItIsClosed) {
  options_.retained = 1;
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().Close("the job ends");
  const size_t before = Entries().size();
  coordinator().OnCommitted(Epoch(1));
  executor_.Advance(3 * options_.interval);
  EXPECT_THAT(Entries(), SizeIs(before));
}

}  // namespace
}  // namespace weir::jobmanager

// Commits of transactional sinks and their receipts.
#include "tests/unit/jobmanager/checkpoint/testing_checkpoint_coordinator.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredWhileATransactionalEpochIsUncommitted) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, ItIsTriggeredAgainOnceTheEpochIsCommitted) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  Interval();
  coordinator().OnCommitted(Epoch(1));
  executor_.RunReady();
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AReceiptRidesOnTheNextEntry) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().OnCommitted(Epoch(1));
  Interval();
  AnswerAll(2);
  EXPECT_EQ(LastEntry().checkpoint().epoch(), 2u);
  EXPECT_EQ(LastEntry().committed_through(), 1u);
}

TEST_F(CheckpointCoordinatorTest, AReceiptGetsAnEntryOfItsOwnAfterOneInterval) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().OnCommitted(Epoch(1));
  Interval();
  EXPECT_EQ(LastEntry().committed().epoch(), 1u);
  EXPECT_EQ(log_.history().committed_through(), Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, AReceiptThatRodeGetsNoEntryOfItsOwn) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  executor_.Advance(options_.interval - absl::Seconds(1));
  coordinator().OnCommitted(Epoch(1));
  executor_.Advance(absl::Seconds(1));
  AnswerAll(2);
  executor_.Advance(options_.interval);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kCommitted), 0);
}

TEST_F(CheckpointCoordinatorTest, AnEpochIsNotRetiredBeforeItsReceipt) {
  options_.retained = 1;
  StartRunning(/*transactional=*/true);
  Complete(1);
  OwnInitial();
  ASSERT_THAT(delegate_.owned, ElementsAre(0u, 1u, 2u));
  EXPECT_EQ(LastEntry().kind_case(), proto::JobLogEntry::kCheckpoint);
}

TEST_F(CheckpointCoordinatorTest, AReceiptLetsTheEpochBeRetired) {
  options_.retained = 1;
  StartRunning(/*transactional=*/true);
  Complete(1);
  OwnInitial();
  coordinator().OnCommitted(Epoch(1));
  Interval();
  EXPECT_EQ(LastEntry().retired().epoch(), 1u);
}

}  // namespace
}  // namespace weir::jobmanager

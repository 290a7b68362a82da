#include "state/checkpoint/job_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using proto::JobLogEntry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

JobLogEntry EntryOf(uint64_t term) {
  JobLogEntry entry;
  entry.set_term(term);
  return entry;
}
JobLogEntry Submitted() {
  JobLogEntry entry = EntryOf(1);
  entry.mutable_submitted()->set_name("flights");
  return entry;
}
JobLogEntry Owned(uint64_t epoch, bool prepared = false, uint64_t term = 1) {
  JobLogEntry entry = EntryOf(term);
  entry.mutable_checkpoint()->set_epoch(epoch);
  entry.mutable_checkpoint()->set_sinks_prepared(prepared);
  return entry;
}
JobLogEntry Started(uint64_t generation) {
  JobLogEntry entry = EntryOf(1);
  entry.mutable_started()->set_generation(generation);
  return entry;
}
JobLogEntry Aborted(uint64_t epoch, const std::string& object) {
  JobLogEntry entry = EntryOf(1);
  entry.mutable_aborted()->set_epoch(epoch);
  entry.mutable_aborted()->add_objects(object);
  return entry;
}
JobLogEntry Retired(uint64_t epoch, const std::string& object) {
  JobLogEntry entry = EntryOf(1);
  entry.mutable_retired()->set_epoch(epoch);
  entry.mutable_retired()->add_objects(object);
  return entry;
}
JobLogEntry Receipt(uint64_t through) {
  JobLogEntry entry = EntryOf(1);
  entry.mutable_committed()->set_epoch(through);
  entry.set_committed_through(through);
  return entry;
}
JobLogEntry Takeover(uint64_t term) {
  JobLogEntry entry = EntryOf(term);
  entry.mutable_takeover()->mutable_term()->set_number(term);
  return entry;
}

class JobHistoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Take(Submitted()); }
  void Take(const JobLogEntry& entry) { ASSERT_EQ(history_.Apply(entry), absl::OkStatus()); }
  JobHistory history_;
};

TEST(EmptyJobHistory, FirstEntryMustBeASubmission) {
  JobHistory history;
  EXPECT_TRUE(absl::IsDataLoss(history.Apply(Started(1))));
  EXPECT_FALSE(history.submitted());
}

TEST_F(JobHistoryTest, KeepsTheSubmission) { EXPECT_EQ(history_.submission().name(), "flights"); }

TEST_F(JobHistoryTest, ASecondSubmissionIsDataLoss) {
  JobLogEntry again = Submitted();
  again.mutable_submitted()->set_name("other");
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(again)));
  EXPECT_EQ(history_.submission().name(), "flights");
}

TEST_F(JobHistoryTest, AnEntryOfAnOlderTermIsDataLoss) {
  Take(Takeover(3));
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(Owned(0, false, 2))));
  EXPECT_EQ(history_.newest_owned(), nullptr);
}

TEST_F(JobHistoryTest, AnEpochOwnedTwiceIsDataLoss) {
  Take(Owned(4));
  Take(Takeover(2));
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(Owned(4, true, 2))));
  EXPECT_EQ(history_.newest_owned()->term, LeaderTerm(1));
}

TEST_F(JobHistoryTest, ALowerEpochIsDataLossAlsoOnceTheHigherIsRetired) {
  Take(Owned(4));
  Take(Retired(4, "m"));
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(Owned(3))));
}

TEST_F(JobHistoryTest, ARefusedEntryDoesNotRaiseTheTerm) {
  Take(Owned(4));
  EXPECT_FALSE(history_.Apply(Owned(4, false, 9)).ok());
  EXPECT_EQ(history_.term(), LeaderTerm(1));
}

TEST_F(JobHistoryTest, ARefusedEntryCarriesNoReceipt) {
  Take(Owned(4, true));
  JobLogEntry refused = Owned(4);
  refused.set_committed_through(4);
  EXPECT_FALSE(history_.Apply(refused).ok());
  EXPECT_TRUE(history_.AwaitsReceipt(Epoch(4)));
}

TEST_F(JobHistoryTest, AnEntryOfUnknownKindIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(history_.Apply(EntryOf(1))));
}

TEST_F(JobHistoryTest, TheNewestOwnedEpochIsTheHighest) {
  Take(Owned(0));
  Take(Owned(2));
  EXPECT_EQ(history_.newest_owned()->checkpoint.epoch(), 2u);
}

TEST_F(JobHistoryTest, ARetiredEpochIsNoLongerOwned) {
  Take(Owned(0));
  Take(Owned(1));
  Take(Retired(0, "m"));
  EXPECT_THAT(history_.owned(), ElementsAre(Key(Epoch(1))));
}

TEST_F(JobHistoryTest, AnAbortedEpochIsNotUsedAgain) {
  Take(Owned(1));
  Take(Aborted(5, "b"));
  EXPECT_EQ(history_.highest_epoch(), Epoch(5));
}

TEST_F(JobHistoryTest, NoEpochIsHighestBeforeTheFirst) {
  EXPECT_FALSE(history_.highest_epoch().has_value());
}

TEST_F(JobHistoryTest, APreparedEpochAwaitsItsReceipt) {
  Take(Owned(3, true));
  EXPECT_TRUE(history_.AwaitsReceipt(Epoch(3)));
}

TEST_F(JobHistoryTest, AReceiptStandsForEveryEpochUpToIt) {
  Take(Owned(3, true));
  Take(Owned(4, true));
  Take(Receipt(4));
  EXPECT_FALSE(history_.AwaitsReceipt(Epoch(3)));
}

TEST_F(JobHistoryTest, AReceiptMayRideOnAnyEntry) {
  Take(Owned(3, true));
  JobLogEntry next = Owned(4);
  next.set_committed_through(3);
  Take(next);
  EXPECT_FALSE(history_.AwaitsReceipt(Epoch(3)));
}

TEST_F(JobHistoryTest, AnEpochWithoutPreparedSinksAwaitsNothing) {
  Take(Owned(3));
  EXPECT_FALSE(history_.AwaitsReceipt(Epoch(3)));
}

TEST_F(JobHistoryTest, NamesTheObjectsOfAbortedAndRetiredEpochs) {
  Take(Owned(0));
  Take(Aborted(1, "blob"));
  Take(Retired(0, "manifest"));
  EXPECT_THAT(history_.doomed_objects(), ElementsAre("blob", "manifest"));
}

TEST_F(JobHistoryTest, ANewLeaderInheritsWhatItsPredecessorNamed) {
  Take(Aborted(1, "blob"));
  Take(Takeover(2));
  EXPECT_THAT(history_.doomed_objects(), ElementsAre("blob"));
}

TEST_F(JobHistoryTest, TheLeaderAfterThatDoesNotInheritIt) {
  Take(Aborted(1, "blob"));
  Take(Takeover(2));
  Take(Takeover(3));
  EXPECT_THAT(history_.doomed_objects(), IsEmpty());
}

TEST_F(JobHistoryTest, KeepsTheLastStart) {
  Take(Started(1));
  Take(Started(2));
  EXPECT_EQ(history_.generation(), Generation(2));
  EXPECT_EQ(history_.last_start()->generation(), 2u);
}

TEST_F(JobHistoryTest, ASuspensionLastsUntilItIsResumed) {
  JobLogEntry suspended = EntryOf(1);
  suspended.mutable_suspended()->set_reason("lost");
  Take(suspended);
  ASSERT_NE(history_.suspended(), nullptr);
  EXPECT_EQ(history_.suspended()->reason(), "lost");
  JobLogEntry resumed = EntryOf(1);
  resumed.mutable_resumed();
  Take(resumed);
  EXPECT_EQ(history_.suspended(), nullptr);
}

TEST_F(JobHistoryTest, ADecisionHoldsForTheEpochsThatAwaitedTheirReceiptThen) {
  Take(Owned(1, /*prepared=*/true));
  JobLogEntry resumed = EntryOf(1);
  resumed.mutable_resumed()->set_policy(proto::IGNORE);
  Take(resumed);
  EXPECT_EQ(history_.resume_policy(), proto::IGNORE);
  Take(Started(2));
  EXPECT_EQ(history_.resume_policy(), proto::IGNORE);
  Take(Receipt(1));
  EXPECT_EQ(history_.resume_policy(), proto::AS_CONFIGURED);
  Take(Owned(2, /*prepared=*/true));
  EXPECT_EQ(history_.resume_policy(), proto::AS_CONFIGURED);
}

TEST_F(JobHistoryTest, WithoutAnOwnedEpochThereIsNothingToDecide) {
  JobLogEntry resumed = EntryOf(1);
  resumed.mutable_resumed()->set_policy(proto::REPLAY);
  Take(resumed);
  EXPECT_EQ(history_.resume_policy(), proto::AS_CONFIGURED);
}

TEST_F(JobHistoryTest, ARequestedSuspensionIsDueUntilItComesAboutOrIsWithdrawn) {
  JobLogEntry requested = EntryOf(1);
  requested.mutable_suspension_requested();
  JobLogEntry withdrawn = requested;
  withdrawn.mutable_suspension_requested()->set_withdrawn(true);
  JobLogEntry suspended = EntryOf(1);
  suspended.mutable_suspended();
  EXPECT_FALSE(history_.suspension_requested());
  Take(requested);
  EXPECT_TRUE(history_.suspension_requested());
  Take(withdrawn);
  EXPECT_FALSE(history_.suspension_requested());
  Take(requested);
  Take(suspended);
  EXPECT_FALSE(history_.suspension_requested());
  EXPECT_NE(history_.suspended(), nullptr);
}

TEST_F(JobHistoryTest, TheTerminalEntryRetiresWhatItNames) {
  Take(Owned(0));
  Take(Owned(1));
  JobLogEntry terminal = EntryOf(1);
  terminal.mutable_terminal()->add_retired()->set_epoch(0);
  Take(terminal);
  EXPECT_THAT(history_.owned(), ElementsAre(Key(Epoch(1))));
  EXPECT_EQ(history_.highest_owned(), Epoch(1));
}

TEST_F(JobHistoryTest, KeepsStopAndTerminal) {
  JobLogEntry stop = EntryOf(1);
  stop.mutable_stop_requested()->set_cancel(true);
  Take(stop);
  JobLogEntry terminal = EntryOf(1);
  terminal.mutable_terminal()->set_state(proto::JobTerminal::CANCELED);
  Take(terminal);
  EXPECT_TRUE(history_.stop_requested()->cancel());
  EXPECT_EQ(history_.terminal()->state(), proto::JobTerminal::CANCELED);
}

}  // namespace
}  // namespace weir

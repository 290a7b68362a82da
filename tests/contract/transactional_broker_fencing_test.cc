// InitProducerId, and what a living holder can still do afterwards, on the real broker and on the
// simulator's model.
#include "tests/contract/transactional_broker_test.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = EndTransactionOutcome;

TEST_P(TransactionalBrokerTest, InitProducerIdAbortsAndFences) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  const auto taken = TakeOver(id_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->producer_id, producer.producer_id);
  // Once for the abort, once for the new holder.
  EXPECT_EQ(taken->epoch, producer.epoch + 2);
  EXPECT_EQ(State(id_), TransactionState::kEmpty);
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Commit({producer.producer_id, static_cast<int16_t>(producer.epoch + 1)}),
            Outcome::kFenced);
  EXPECT_EQ(Commit(*taken), Outcome::kInvalidTxnState) << detail_;
  EXPECT_THAT(Committed(0), IsEmpty());
}

// So "fenced" does not mean "aborted".
TEST_P(TransactionalBrokerTest, InitProducerIdAlsoHidesWhatWasCommitted) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  ASSERT_EQ(Commit(producer), Outcome::kDone);
  const auto taken = TakeOver(id_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->epoch, producer.epoch + 1);
  const auto described = Client().DescribeTransactions({id_}, kTimeout);
  EXPECT_TRUE(described->at(id_).start_time.has_value());  // of the last one
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_THAT(Committed(1), ElementsAre("a"));
}

// Epochs are 16 bits. The last usable one is 32,766; then the id gets another producer id.
TEST_P(TransactionalBrokerTest, WhenTheEpochsRunOutTheProducerIdChanges) {
  ProducerIdAndEpoch holder;
  while (holder.epoch < 32765) {
    const auto next = TakeOver(id_);
    ASSERT_TRUE(next.ok()) << next.status();
    ASSERT_EQ(next->epoch, holder.epoch + 1);
    holder = *next;
  }
  const ProducerIdAndEpoch last = Abandoned({"a"});
  EXPECT_EQ(last, (ProducerIdAndEpoch{holder.producer_id, 32766}));
  const auto taken = TakeOver(id_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_NE(taken->producer_id, last.producer_id);
  EXPECT_EQ(taken->epoch, 0);
  EXPECT_EQ(Commit(last), Outcome::kUnknownProducerMapping) << detail_;
  EXPECT_THAT(Committed(0), IsEmpty());
  // And from there on as ever.
  const ProducerIdAndEpoch fresh = Abandoned({"b"});
  EXPECT_EQ(fresh, (ProducerIdAndEpoch{taken->producer_id, 1}));
  EXPECT_EQ(Commit(fresh), Outcome::kDone);
}

TEST_P(TransactionalBrokerTest, ATooLongTimeoutIsRefused) {
  const auto taken = Client().InitProducerId(id_, absl::Hours(24), kTimeout);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument) << taken.status();
}

TEST_P(TransactionalBrokerTest, InitProducerIdFencesALivingHolder) {
  auto holder = Open(id_);
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(TakeOver(id_).ok());
  const absl::Status committed = holder->Commit();
  EXPECT_EQ(committed.code(), absl::StatusCode::kAborted) << committed;
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_P(TransactionalBrokerTest, InitProducerIdFencesAHolderThatGoesOnWriting) {
  auto holder = Open(id_);
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(TakeOver(id_).ok());
  ASSERT_TRUE(holder->Send(1, {"b"}).ok());
  EXPECT_FALSE(holder->Flush().ok());
  EXPECT_FALSE(holder->Commit().ok());
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_P(TransactionalBrokerTest, OfTwoHoldersOfOneIdTheFirstIsFenced) {
  auto first = Open(id_);
  first->Prepare(0, {"a"});
  ASSERT_TRUE(first->Marker(id_, 1, "run:1").ok());
  auto second = Open(id_);
  EXPECT_EQ(Marker(id_), kAbsent);
  second->Prepare(0, {"a"});
  ASSERT_TRUE(second->Marker(id_, 1, "run:1").ok());
  const absl::Status committed = first->Commit();
  EXPECT_EQ(committed.code(), absl::StatusCode::kAborted) << committed;
  ASSERT_TRUE(second->Commit().ok());
  EXPECT_THAT(Committed(1), ElementsAre("a"));
}

TEST_P(TransactionalBrokerTest, AfterAForeignAbortAHolderThatOnlyCommitsIsRefused) {
  auto holder = Open(id_);
  holder->Prepare(0, {"a"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  EXPECT_FALSE(holder->Commit().ok());
  EXPECT_THAT(Committed(0), IsEmpty());
}

// Why strays are not ended by EndTxn(abort): the pair stays valid.
TEST_P(TransactionalBrokerTest, AfterAForeignAbortAHolderCommitsWithoutTheAbortedRecords) {
  auto holder = Open(id_);
  holder->Prepare(0, {"lost"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  // A partition that is new to the transaction is registered, and so begins another one.
  ASSERT_TRUE(holder->Send(1, {"kept"}).ok());
  const absl::Status flushed = holder->Flush();
  EXPECT_TRUE(flushed.ok()) << flushed;
  const absl::Status committed = holder->Commit();
  EXPECT_TRUE(committed.ok()) << committed;
  EXPECT_THAT(Committed(1), ElementsAre("kept"));
}

TEST_P(TransactionalBrokerTest, AfterAForeignAbortAHolderThatWritesToTheSamePartitionIsRefused) {
  auto holder = Open(id_, absl::Seconds(5));
  holder->Prepare(0, {"lost"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  ASSERT_EQ(Await(id_, TransactionState::kCompleteAbort), TransactionState::kCompleteAbort);
  ASSERT_TRUE(holder->Send(0, {"later"}).ok());
  // The broker verifies with the coordinator that the partition is part of a transaction (KIP-890).
  EXPECT_FALSE(holder->Flush().ok());
  EXPECT_FALSE(holder->Commit().ok());
  EXPECT_THAT(Committed(0), IsEmpty());
}

}  // namespace
}  // namespace weir::kafka

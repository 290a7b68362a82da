// EndTxn from another connection, for every state of the coordinator, on the real broker and on the
// simulator's model. docs/adr/0003-kafka-transactions-on-the-real-broker.md has the table.
#include <map>

#include "tests/contract/transactional_broker_test.h"

namespace weir::kafka {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = EndTransactionOutcome;

TEST_P(TransactionalBrokerTest, AnOpenTransactionOfADeadProducerIsCommittedFromOutside) {
  const ProducerIdAndEpoch producer = Abandoned({"a", "b"});
  const auto open = Client().DescribeTransactions({id_}, kTimeout);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->at(id_).state, TransactionState::kOngoing);
  EXPECT_EQ(open->at(id_).producer, producer);
  EXPECT_EQ(open->at(id_).timeout, absl::Minutes(1));
  EXPECT_TRUE(open->at(id_).start_time.has_value());
  EXPECT_THAT(open->at(id_).partitions, ElementsAre(At(0)));
  const auto listed = Client().ListTransactions({TransactionState::kOngoing}, kTimeout);
  ASSERT_TRUE(listed.ok()) << listed.status();
  const ListedTransaction mine{id_, producer.producer_id, TransactionState::kOngoing};
  EXPECT_THAT(*listed, Contains(mine));
  EXPECT_EQ(Offsets(0), (PartitionOffsets{0, 2, 0}));

  EXPECT_EQ(Commit(producer), Outcome::kDone);
  EXPECT_EQ(Await(id_, TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Offsets(0), (PartitionOffsets{0, 3, 3}));
  const auto described = Client().DescribeTransactions({id_}, kTimeout);
  EXPECT_TRUE(described->at(id_).start_time.has_value());  // of the last one
  EXPECT_THAT(described->at(id_).partitions, IsEmpty());
  const auto ongoing = Client().ListTransactions({TransactionState::kOngoing}, kTimeout);
  ASSERT_TRUE(ongoing.ok()) << ongoing.status();
  EXPECT_THAT(*ongoing, testing::Not(Contains(mine)));
  EXPECT_THAT(Committed(2), ElementsAre("a", "b"));
  // CompleteCommit: the same again is the same again; the other way is refused.
  EXPECT_EQ(Commit(producer), Outcome::kDone);
  EXPECT_EQ(Abort(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Commit(producer), Outcome::kDone);
}

TEST_P(TransactionalBrokerTest, WhatTheSameEpochAbortedIsNotCommittedAnyMore) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  EXPECT_EQ(Abort(producer), Outcome::kDone);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Await(id_, TransactionState::kCompleteAbort), TransactionState::kCompleteAbort);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kDone);
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_P(TransactionalBrokerTest, AnIdWithoutATransactionHasNothingToEnd) {
  const ProducerIdAndEpoch producer = Open(id_)->identity();
  EXPECT_EQ(State(id_), TransactionState::kEmpty);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kInvalidTxnState) << detail_;
}

TEST_P(TransactionalBrokerTest, ATransactionWithoutRecordsIsNone) {
  auto holder = Open(id_);
  holder->Begin();
  EXPECT_TRUE(holder->Commit().ok());
  EXPECT_EQ(State(id_), TransactionState::kEmpty);
}

TEST_P(TransactionalBrokerTest, ATimeoutFencesTheEpochThatItAborts) {
  const ProducerIdAndEpoch producer = Abandoned({"a"}, absl::Seconds(2));
  ASSERT_EQ(Await(id_, TransactionState::kCompleteAbort), TransactionState::kCompleteAbort);
  const ProducerIdAndEpoch raised =
      Client().DescribeTransactions({id_}, kTimeout)->at(id_).producer;
  EXPECT_EQ(raised.producer_id, producer.producer_id);
  EXPECT_EQ(raised.epoch, producer.epoch + 1);
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Commit(raised), Outcome::kInvalidTxnState) << detail_;
  // The abort marker carries the raised epoch, the records the old one.
  const auto read = Client().ReadBatchHeaders(At(0), {0, 100}, kTimeout);
  ASSERT_TRUE(read.ok() && read->headers.size() == 2) << read.status();
  EXPECT_EQ(read->headers[0].producer_id, producer.producer_id);
  EXPECT_EQ(read->headers[0].producer_epoch, producer.epoch);
  EXPECT_TRUE(read->headers[0].transactional);
  EXPECT_FALSE(read->headers[0].control);
  EXPECT_EQ(read->headers[1].producer_epoch, raised.epoch);
  EXPECT_TRUE(read->headers[1].control);
  EXPECT_EQ(Offsets(0), (PartitionOffsets{0, 2, 2}));
}

TEST_P(TransactionalBrokerTest, UnknownIdsAndProducersHaveNoMapping) {
  EXPECT_EQ(Commit({4711, 0}), Outcome::kUnknownProducerMapping) << detail_;
  EXPECT_TRUE(Client().DescribeTransactions({id_}, kTimeout)->empty());
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  EXPECT_EQ(Commit({producer.producer_id + 1, producer.epoch}), Outcome::kUnknownProducerMapping)
      << detail_;
  // An epoch from the future.
  EXPECT_EQ(Commit({producer.producer_id, static_cast<int16_t>(producer.epoch + 1)}),
            Outcome::kFenced);
  EXPECT_EQ(Commit(producer), Outcome::kDone);
}

// The trap: the pair is the same for all transactions of a handle.
TEST_P(TransactionalBrokerTest, ARepeatedCommitEndsTheNextTransactionOfTheSameHandle) {
  auto holder = Open(id_);
  holder->Prepare(0, {"a"});
  ASSERT_TRUE(holder->Commit().ok());
  holder->Prepare(0, {"b"});
  EXPECT_EQ(Commit(holder->identity()), Outcome::kDone);
  EXPECT_THAT(Committed(2), ElementsAre("a", "b"));
  // The handle does not notice.
  const absl::Status committed = holder->Commit();
  EXPECT_TRUE(committed.ok()) << committed;
}

TEST_P(TransactionalBrokerTest, BatchesAreToldByProducerIdAndEpoch) {
  auto one = Open(id_);
  auto other = Open(id_ + "-other");
  one->Begin();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(one->Send(0, {absl::StrCat("one", i)}).ok());
    ASSERT_TRUE(one->Flush().ok());
    other->Prepare(0, {absl::StrCat("other", i)});
    ASSERT_TRUE(other->Commit().ok());
  }
  ASSERT_TRUE(TakeOver(id_).ok());
  ASSERT_EQ(Await(id_ + "-other", TransactionState::kCompleteCommit),
            TransactionState::kCompleteCommit);
  const auto read = Client().ReadBatchHeaders(At(0), {0, 100}, kTimeout);
  ASSERT_TRUE(read.ok()) << read.status();
  std::map<int64_t, int> records, markers;
  int64_t next = 0;
  for (const RecordBatchHeader& header : read->headers) {
    EXPECT_EQ(header.base_offset, next);
    next = header.last_offset + 1;
    EXPECT_EQ(header.last_offset - header.base_offset + 1, header.record_count);
    (header.control ? markers : records)[header.producer_id] += header.record_count;
  }
  EXPECT_EQ(records[one->identity().producer_id], 3);
  EXPECT_EQ(records[other->identity().producer_id], 3);
  EXPECT_EQ(markers[one->identity().producer_id], 1);
  EXPECT_EQ(markers[other->identity().producer_id], 3);
  EXPECT_EQ(read->offsets.high_watermark, next);
  EXPECT_EQ(read->offsets.last_stable_offset, next);
  EXPECT_THAT(Committed(3), ElementsAre("other0", "other1", "other2"));
}

// --- States that last only while a partition has no leader ---

TEST_P(TransactionalBrokerTest, WhileMarkersCannotBeWrittenTheStateIsPrepared) {
  ASSERT_NO_FATAL_FAILURE(Use(GetParam().own()));
  std::map<TransactionResult, std::string> ids = {{TransactionResult::kCommit, "commit"},
                                                  {TransactionResult::kAbort, "abort"}};
  std::map<TransactionResult, ProducerIdAndEpoch> prepared;
  for (const auto& [result, id] : ids) {
    auto holder = Open(id);
    holder->Begin();
    ASSERT_TRUE(holder->Send(0, {id}).ok());
    ASSERT_TRUE(holder->Send(1, {id}).ok());
    ASSERT_TRUE(holder->Flush().ok());
    prepared[result] = holder->identity();
  }
  ASSERT_TRUE(broker_->LoseALeader(topic_).ok());
  for (const auto& [result, id] : ids) {
    const EndTransactionAnswer answer =
        Client().EndTransaction(id, prepared[result], result, kTimeout);
    EXPECT_EQ(answer.outcome, Outcome::kDone) << answer.detail;
  }
  EXPECT_EQ(State("commit"), TransactionState::kPrepareCommit);
  EXPECT_EQ(State("abort"), TransactionState::kPrepareAbort);
  // The same again is put off, and so is the other way, and a take-over.
  constexpr absl::Duration kShort = absl::Seconds(1);
  for (const auto& [result, id] : ids) {
    for (const TransactionResult way : {TransactionResult::kCommit, TransactionResult::kAbort}) {
      EXPECT_EQ(End(id, prepared[result], way, kShort), Outcome::kNotAnswered);
      EXPECT_THAT(detail_, HasSubstr("CONCURRENT_TRANSACTIONS"));
    }
    EXPECT_EQ(TakeOver(id, kShort).status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  ASSERT_TRUE(broker_->BringLeaderBack().ok());
  EXPECT_EQ(End("commit", prepared[TransactionResult::kCommit], TransactionResult::kCommit),
            Outcome::kDone);
  EXPECT_EQ(Await("commit", TransactionState::kCompleteCommit), TransactionState::kCompleteCommit);
  EXPECT_EQ(Await("abort", TransactionState::kCompleteAbort), TransactionState::kCompleteAbort);
  EXPECT_EQ(End("abort", prepared[TransactionResult::kAbort], TransactionResult::kCommit),
            Outcome::kInvalidTxnState);
  EXPECT_THAT(broker_->ReadCommitted(topic_, 2), ElementsAre("commit", "commit"));
}

}  // namespace
}  // namespace weir::kafka

// EndTxn and InitProducerId from another connection, for every state of the coordinator.
// docs/adr/0003-kafka-transactions-on-the-real-broker.md says what follows from it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "absl/strings/match.h"

#include "tests/integration/connectors_kafka_transactions_support.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Outcome = EndTransactionOutcome;

// --- Fact 1: EndTxn from another connection ---

TEST_F(KafkaTransactionsTest, AnOpenTransactionOfADeadProducerIsCommittedFromOutside) {
  const ProducerIdAndEpoch producer = Abandoned({"a", "b"});
  const auto open = Client().DescribeTransactions({id_}, kTimeout);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->at(id_).state, TransactionState::kOngoing);
  EXPECT_EQ(open->at(id_).producer, producer);
  EXPECT_EQ(open->at(id_).timeout, absl::Minutes(1));
  EXPECT_THAT(open->at(id_).partitions, ElementsAre(At(0)));
  const auto listed = Client().ListTransactions({TransactionState::kOngoing}, kTimeout);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(*listed, testing::Contains(ListedTransaction{id_, producer.producer_id,
                                                           TransactionState::kOngoing}));
  EXPECT_EQ(Client().FetchPartitionOffsets(At(0), kTimeout)->last_stable_offset, 0);

  EXPECT_EQ(Commit(producer), Outcome::kDone);
  EXPECT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteCommit),
            TransactionState::kCompleteCommit);
  EXPECT_EQ(*Client().FetchPartitionOffsets(At(0), kTimeout), (PartitionOffsets{0, 3, 3}));
  EXPECT_THAT(Committed(2), ElementsAre("a", "b"));
  // CompleteCommit: the same again is the same again; the other way is refused.
  EXPECT_EQ(Commit(producer), Outcome::kDone);
  EXPECT_EQ(Abort(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Commit(producer), Outcome::kDone);
}

TEST_F(KafkaTransactionsTest, WhatTheSameEpochAbortedIsNotCommittedAnyMore) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  EXPECT_EQ(Abort(producer), Outcome::kDone);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteAbort),
            TransactionState::kCompleteAbort);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kDone);
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_F(KafkaTransactionsTest, AnIdWithoutATransactionHasNothingToEnd) {
  const ProducerIdAndEpoch producer = Open(id_)->identity();
  EXPECT_EQ(Client().DescribeTransactions({id_}, kTimeout)->at(id_).state,
            TransactionState::kEmpty);
  EXPECT_EQ(Commit(producer), Outcome::kInvalidTxnState) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kInvalidTxnState) << detail_;
}

TEST_F(KafkaTransactionsTest, ATimeoutFencesTheEpochThatItAborts) {
  const ProducerIdAndEpoch producer = Abandoned({"a"}, absl::Seconds(2));
  ASSERT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteAbort),
            TransactionState::kCompleteAbort);
  const auto described = Client().DescribeTransactions({id_}, kTimeout);
  const ProducerIdAndEpoch raised = described->at(id_).producer;
  EXPECT_EQ(raised.producer_id, producer.producer_id);
  EXPECT_EQ(raised.epoch, producer.epoch + 1);
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Abort(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Commit(raised), Outcome::kInvalidTxnState) << detail_;
  // The abort marker carries the raised epoch, the records the old one.
  const auto read = Client().ReadBatchHeaders(At(0), {0, 100}, kTimeout);
  ASSERT_TRUE(read.ok() && read->headers.size() == 2) << read.status();
  EXPECT_EQ(read->headers[0].producer_epoch, producer.epoch);
  EXPECT_FALSE(read->headers[0].control);
  EXPECT_EQ(read->headers[1].producer_epoch, raised.epoch);
  EXPECT_TRUE(read->headers[1].control);
}

TEST_F(KafkaTransactionsTest, InitProducerIdAbortsAndFences) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  const auto taken = Client().InitProducerId(id_, absl::Minutes(1), kTimeout);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->producer_id, producer.producer_id);
  // Once for the abort, once for the new holder.
  EXPECT_EQ(taken->epoch, producer.epoch + 2);
  EXPECT_EQ(Client().DescribeTransactions({id_}, kTimeout)->at(id_).state,
            TransactionState::kEmpty);
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_EQ(Commit({producer.producer_id, static_cast<int16_t>(producer.epoch + 1)}),
            Outcome::kFenced);
  EXPECT_EQ(Commit(*taken), Outcome::kInvalidTxnState) << detail_;
  EXPECT_THAT(Committed(0), IsEmpty());
}

// So "fenced" does not mean "aborted".
TEST_F(KafkaTransactionsTest, InitProducerIdAlsoHidesWhatWasCommitted) {
  const ProducerIdAndEpoch producer = Abandoned({"a"});
  ASSERT_EQ(Commit(producer), Outcome::kDone);
  const auto taken = Client().InitProducerId(id_, absl::Minutes(1), kTimeout);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->epoch, producer.epoch + 1);
  EXPECT_EQ(Commit(producer), Outcome::kFenced) << detail_;
  EXPECT_THAT(Committed(1), ElementsAre("a"));
}

TEST_F(KafkaTransactionsTest, UnknownIdsAndProducersHaveNoMapping) {
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

// Epochs are 16 bits. The last usable one is 32,766; then the id gets another producer id.
TEST_F(KafkaTransactionsTest, WhenTheEpochsRunOutTheProducerIdChanges) {
  ProducerIdAndEpoch holder;
  while (holder.epoch < 32765) {
    const auto next = Client().InitProducerId(id_, absl::Minutes(1), kTimeout);
    ASSERT_TRUE(next.ok()) << next.status();
    ASSERT_EQ(next->epoch, holder.epoch + 1);
    holder = *next;
  }
  const ProducerIdAndEpoch last = Abandoned({"a"});
  EXPECT_EQ(last, (ProducerIdAndEpoch{holder.producer_id, 32766}));
  const auto taken = Client().InitProducerId(id_, absl::Minutes(1), kTimeout);
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

TEST_F(KafkaTransactionsTest, ATooLongTimeoutIsRefused) {
  const auto taken = Client().InitProducerId(id_, absl::Hours(24), kTimeout);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument) << taken.status();
}

// The trap: the pair is the same for all transactions of a handle.
TEST_F(KafkaTransactionsTest, ARepeatedCommitEndsTheNextTransactionOfTheSameHandle) {
  auto producer = Open(id_);
  Prepare(*producer, At(0), {"a"});
  ASSERT_TRUE(producer->Commit().ok());
  Prepare(*producer, At(0), {"b"});
  EXPECT_EQ(Commit(producer->identity()), Outcome::kDone);
  EXPECT_THAT(Committed(2), ElementsAre("a", "b"));
  // The handle does not notice.
  const absl::Status committed = producer->Commit();
  EXPECT_TRUE(committed.ok()) << committed;
}

// --- A living holder ---

TEST_F(KafkaTransactionsTest, InitProducerIdFencesALivingHolder) {
  auto holder = Open(id_);
  Prepare(*holder, At(0), {"a"});
  ASSERT_TRUE(Client().InitProducerId(id_, absl::Minutes(1), kTimeout).ok());
  const absl::Status committed = holder->Commit();
  EXPECT_THAT(std::string(committed.message()), HasSubstr("fatal")) << committed;
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_F(KafkaTransactionsTest, InitProducerIdFencesAHolderThatGoesOnWriting) {
  auto holder = Open(id_);
  Prepare(*holder, At(0), {"a"});
  ASSERT_TRUE(Client().InitProducerId(id_, absl::Minutes(1), kTimeout).ok());
  ASSERT_TRUE(holder->Produce(At(1), {"b"}).ok());
  const absl::Status flushed = holder->Flush();
  EXPECT_FALSE(flushed.ok());
  const absl::Status committed = holder->Commit();
  EXPECT_THAT(std::string(committed.message()), HasSubstr("fatal")) << committed;
  EXPECT_THAT(Committed(0), IsEmpty());
}

TEST_F(KafkaTransactionsTest, AfterAForeignAbortAHolderThatOnlyCommitsIsRefused) {
  auto holder = Open(id_);
  Prepare(*holder, At(0), {"a"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  const absl::Status committed = holder->Commit();
  EXPECT_THAT(std::string(committed.message()), HasSubstr("INVALID_TXN_STATE fatal"));
  EXPECT_THAT(Committed(0), IsEmpty());
}

// Why strays are not ended by EndTxn(abort): the pair stays valid.
TEST_F(KafkaTransactionsTest, AfterAForeignAbortAHolderCommitsWithoutTheAbortedRecords) {
  auto holder = Open(id_);
  Prepare(*holder, At(0), {"lost"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  // A partition that is new to the transaction is registered, and so begins another one.
  ASSERT_TRUE(holder->Produce(At(1), {"kept"}).ok());
  const absl::Status flushed = holder->Flush();
  EXPECT_TRUE(flushed.ok()) << flushed;
  const absl::Status committed = holder->Commit();
  EXPECT_TRUE(committed.ok()) << committed;
  EXPECT_THAT(Committed(1), ElementsAre("kept"));
}

TEST_F(KafkaTransactionsTest, AfterAForeignAbortAHolderThatWritesToTheSamePartitionIsRefused) {
  auto holder = Open(id_, absl::Seconds(5));
  Prepare(*holder, At(0), {"lost"});
  ASSERT_EQ(Abort(holder->identity()), Outcome::kDone);
  ASSERT_EQ(AwaitState(*real_, id_, TransactionState::kCompleteAbort),
            TransactionState::kCompleteAbort);
  ASSERT_TRUE(holder->Produce(At(0), {"later"}).ok());
  const absl::Status flushed = holder->Flush();
  const absl::Status committed = holder->Commit();
  // The broker verifies with the coordinator that the partition is part of a transaction (KIP-890).
  EXPECT_THAT(std::string(flushed.message()), HasSubstr("INVALID_TXN_STATE"));
  EXPECT_THAT(std::string(committed.message()), HasSubstr("INVALID_TXN_STATE abortable"));
  EXPECT_THAT(Committed(0), IsEmpty());
}

// --- States that last only while a partition has no leader ---

TEST(KafkaTransactionMarkersTest, WhileMarkersCannotBeWrittenTheStateIsPrepared) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  KafkaClusterOptions options;
  options.brokers = 2;
  auto cluster = KafkaCluster::Start(options);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const std::string brokers = (*cluster)->bootstrap_servers();
  auto topics = TopicClient::Connect(brokers);
  ASSERT_TRUE(topics.ok() && (*topics)->CreateTopic("out", 2, /*replication_factor=*/1).ok());
  RealClient real(brokers);
  WireTransactionClient& client = *real.client;
  std::map<std::string, ProducerIdAndEpoch> prepared;
  for (const std::string id : {"commit", "abort"}) {
    auto producer = RawTransactionalProducer::Open(brokers, id);
    ASSERT_TRUE(producer.ok()) << producer.status();
    ASSERT_TRUE((*producer)->Begin().ok());
    ASSERT_TRUE((*producer)->Produce({"out", 0}, {id}).ok());
    ASSERT_TRUE((*producer)->Produce({"out", 1}, {id}).ok());
    ASSERT_TRUE((*producer)->Flush().ok());
    prepared[id] = (*producer)->identity();
  }
  // One of the two partitions has lost its only replica; the coordinators move to broker 1.
  ASSERT_TRUE((*cluster)->KillBroker(2).ok());
  const auto end = [&](const std::string& id, TransactionResult result, absl::Duration timeout) {
    const EndTransactionAnswer answer = client.EndTransaction(id, prepared[id], result, timeout);
    EXPECT_TRUE(answer.outcome != Outcome::kNotAnswered ||
                absl::StrContains(answer.detail.message(), "CONCURRENT_TRANSACTIONS"))
        << answer.detail;
    return answer.outcome;
  };
  constexpr absl::Duration kShort = absl::Seconds(1);
  EXPECT_EQ(end("commit", TransactionResult::kCommit, kTimeout), Outcome::kDone);
  EXPECT_EQ(end("abort", TransactionResult::kAbort, kTimeout), Outcome::kDone);
  const auto described = client.DescribeTransactions({"commit", "abort"}, kTimeout);
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->at("commit").state, TransactionState::kPrepareCommit);
  EXPECT_EQ(described->at("abort").state, TransactionState::kPrepareAbort);
  // The same again is put off, and so is the other way.
  EXPECT_EQ(end("commit", TransactionResult::kCommit, kShort), Outcome::kNotAnswered);
  EXPECT_EQ(end("commit", TransactionResult::kAbort, kShort), Outcome::kNotAnswered);
  EXPECT_EQ(end("abort", TransactionResult::kAbort, kShort), Outcome::kNotAnswered);
  EXPECT_EQ(end("abort", TransactionResult::kCommit, kShort), Outcome::kNotAnswered);
  const auto taken = client.InitProducerId("commit", absl::Minutes(1), kShort);
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kDeadlineExceeded) << taken.status();

  ASSERT_TRUE((*cluster)->RestartBroker(2).ok());
  EXPECT_EQ(end("commit", TransactionResult::kCommit, kTimeout), Outcome::kDone);
  EXPECT_EQ(AwaitState(real, "commit", TransactionState::kCompleteCommit),
            TransactionState::kCompleteCommit);
  EXPECT_EQ(AwaitState(real, "abort", TransactionState::kCompleteAbort),
            TransactionState::kCompleteAbort);
  EXPECT_EQ(end("abort", TransactionResult::kCommit, kTimeout), Outcome::kInvalidTxnState);
  KafkaReadOptions read;
  read.count = 2;
  const auto records = (*cluster)->ConsumeAll("out", read);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(Values(*records), ElementsAre("commit", "commit"));
}

}  // namespace
}  // namespace weir::kafka

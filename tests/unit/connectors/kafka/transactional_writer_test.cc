#include "tests/unit/connectors/kafka/transactional_writer_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(TransactionalWriterTest, TwoSlotsAreWarmedWithTheirOpeningMarkers) {
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  EXPECT_FALSE(writer_->HasRoom());
  ASSERT_TRUE(pool_.RunOne());
  EXPECT_GT(wakeups_, 0);
  EXPECT_TRUE(writer_->HasRoom());
  pool_.RunAll();
  EXPECT_THAT(kafka_.log, ElementsAre("init p~7~3~0", "step during-prewarm p~7~3~0",
                                      "marker p~7~3~0 0 [1 5 0 1000 0 run]", "commit p~7~3~0",
                                      "init p~7~3~1", "step during-prewarm p~7~3~1",
                                      "marker p~7~3~1 0 [1 5 0 1001 0 run]", "commit p~7~3~1"));
}

TEST_F(TransactionalWriterTest, TheClientIsConfiguredForTheTransactionsTimeout) {
  KafkaSinkOptions options;
  options.properties.Set("delivery.timeout.ms", "90000").Set("client.id.prefix", "c");
  Open(options);
  const auto& values = kafka_.made[0].configuration.values;
  EXPECT_EQ(values.at("transactional.id"), kFirst);
  EXPECT_EQ(values.at("transaction.timeout.ms"), "60000");
  EXPECT_EQ(values.at("delivery.timeout.ms"), "60000");
  EXPECT_EQ(values.at("socket.timeout.ms"), "30000");
  EXPECT_EQ(values.at("client.id"), "c-3");
  EXPECT_EQ(kafka_.made[0].topic, "t");
}

TEST_F(TransactionalWriterTest, ABarrierPreparesInTheOrderOfTheProtocol) {
  Open();
  Write({"a"});
  kafka_.deliver_on_poll = false;
  Write({"b", "c"});
  const std::vector<Committable> committables = Prepare(12);
  std::vector<std::string> first_slot;
  for (const std::string& line : kafka_.log) {
    if (line.find(kFirst) != std::string::npos) first_slot.push_back(line);
  }
  EXPECT_THAT(first_slot, ElementsAre("begin p~7~3~0", "produce p~7~3~0",
                                      "step after-first-produce p~7~3~0", "produce p~7~3~0",
                                      "flush p~7~3~0", "marker p~7~3~0 12 [1 5 12 1000 0 run]",
                                      "step after-marker p~7~3~0", "flush p~7~3~0",
                                      "step after-flush p~7~3~0", "step before-answer p~7~3~0"));
  ASSERT_EQ(committables.size(), 1u);
  EXPECT_EQ(committables[0].transactional_id, kFirst);
  EXPECT_EQ(committables[0].topic, "t");
  EXPECT_EQ(committables[0].marker, (TransactionMarker{"run", 5, Epoch(12), {1000, 0}}));
  EXPECT_EQ(committables[0].started, absl::FromUnixSeconds(77));
  EXPECT_EQ(committables[0].timeout, absl::Minutes(1));
  ASSERT_EQ(committables[0].ranges.size(), 1u);
  const WrittenRange& range = committables[0].ranges.at(0);
  EXPECT_EQ(range.first_offset, 0);
  EXPECT_EQ(range.last_offset, 2);
  EXPECT_EQ(range.count, 3u);
  const auto checksum = [](const char* value) {
    return RecordChecksum({nullptr, 0, true}, {value, 1, false});
  };
  EXPECT_EQ(range.checksum, checksum("a") + checksum("b") + checksum("c"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
}

TEST_F(TransactionalWriterTest, ABarrierWithoutRecordsHasNothingToCommitAndKeepsTheSlot) {
  Open();
  Prepared result;
  Barrier(1, &result);
  ASSERT_TRUE(result.has_value());
  ASSERT_TRUE(result->ok());
  EXPECT_THAT(**result, IsEmpty());
  EXPECT_THAT(kafka_.log, IsEmpty());
  EXPECT_EQ(Commit(1), absl::OkStatus());
  Write({"a"});
  EXPECT_THAT(Ids(Prepare(2)), ElementsAre(kFirst));
}

TEST_F(TransactionalWriterTest, AnEmptyBatchBeginsNoTransaction) {
  Open();
  Write({});
  EXPECT_THAT(Prepare(1), IsEmpty());
  EXPECT_THAT(kafka_.log, IsEmpty());
}

TEST_F(TransactionalWriterTest, NothingIsCommittedBeforeThePermit) {
  Open();
  Write({"a"});
  Prepare(1);
  Write({"b"});
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a"));
  EXPECT_THAT(kafka_.Calls("step after-permit"), ElementsAre("p"));
  EXPECT_THAT(kafka_.Calls("step after-commit"), ElementsAre(kFirst));
}

TEST_F(TransactionalWriterTest, AFailedEpochRidesInTheNextAnswerAndIsCommittedFirst) {
  Open();
  Write({"a"});
  Prepare(1);  // nobody permits it
  Write({"b"});
  EXPECT_THAT(Ids(Prepare(2)), ElementsAre(kFirst, kSecond));
  EXPECT_THAT(Ids(Prepare(3)), ElementsAre(kFirst, kSecond));  // without records of its own
  kafka_.log.clear();
  EXPECT_EQ(Commit(3), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("commit"), ElementsAre(kFirst, kSecond));
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a", "b"));
}

// Kafka, or a person with Kafka's tools, may have ended it: no entry may own it then.
TEST_F(TransactionalWriterTest, AFailedEpochsTransactionThatIsGoneFailsTheNextBarrier) {
  Open();
  Write({"a"});
  Prepare(1);  // nobody permits it
  Write({"b"});
  kafka_.transactions[kFirst].state = TransactionState::kCompleteAbort;
  Prepared result;
  Barrier(2, &result);
  for (int i = 0; i < 2; ++i) {
    pool_.RunAll();
    writer_->HasRoom();
  }
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(absl::IsAborted(result->status())) << result->status();
  EXPECT_THAT(std::string(result->status().message()),
              HasSubstr("Kafka transaction 'p~7~3~0' of epoch 1 was ended by somebody else"));
}

TEST_F(TransactionalWriterTest, OldestFirstMeansByEpochAndNotBySlot) {
  Open();
  Write({"a"});
  Prepare(1);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  writer_->OnReceipt(Epoch(1));
  Write({"b"});
  Prepare(2);  // slot 0 again
  Write({"c"});
  Prepare(3);  // slot 1
  Write({"d"});
  Prepare(4);  // slot 2
  EXPECT_EQ(Commit(2), absl::OkStatus());
  writer_->OnReceipt(Epoch(2));
  Write({"e"});
  EXPECT_THAT(Ids(Prepare(5)), ElementsAre(kSecond, kThird, kFirst));
  kafka_.log.clear();
  EXPECT_EQ(Commit(5), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("commit"), ElementsAre(kSecond, kThird, kFirst));
}

TEST_F(TransactionalWriterTest, APermitCommitsNoLaterEpoch) {
  Open();
  Write({"a"});
  Prepare(1);
  Write({"b"});
  Prepare(2);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a"));
  EXPECT_EQ(Commit(2), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a", "b"));
}

TEST_F(TransactionalWriterTest, TheAnswerOfALaterBarrierWaitsForTheEarlierOne) {
  Open();
  Write({"a"});
  Prepared first, second;
  Barrier(1, &first);
  kafka_.during[absl::StrCat("marker ", kFirst)] = [&] {
    Write({"b"});
    Barrier(2, &second);
    pool_.RunAll();
    writer_->HasRoom();
    EXPECT_EQ(kafka_.Calls("flush"), (std::vector<std::string>{kFirst, kSecond, kSecond}));
    EXPECT_FALSE(first.has_value());
    EXPECT_FALSE(second.has_value());
  };
  for (int i = 0; i < 2; ++i) {
    pool_.RunAll();
    writer_->HasRoom();
  }
  ASSERT_TRUE(first.has_value() && first->ok());
  ASSERT_TRUE(second.has_value() && second->ok());
  EXPECT_EQ((*first)->size(), 1u);
  EXPECT_EQ((*second)->size(), 2u);
}

// Two handles write to the same partition: what the second one sends first comes first.
TEST_F(TransactionalWriterTest, RecordsBehindABarrierWaitForThoseBeforeItToBeDelivered) {
  Open();
  kafka_.deliver_on_poll = false;
  Write({"a"});
  Prepared first;
  Barrier(1, &first);
  EXPECT_FALSE(writer_->HasRoom());
  const int before = wakeups_;
  bool marking = false;
  kafka_.during[absl::StrCat("marker ", kFirst)] = [&] {
    EXPECT_GT(wakeups_, before);
    Write({"b"});  // the barrier is not answered yet
    marking = true;
  };
  pool_.RunAll();
  EXPECT_TRUE(marking);
  EXPECT_EQ(Prepare(2).size(), 2u);
  EXPECT_EQ(Commit(2), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a", "b"));
}

TEST_F(TransactionalWriterTest, ASlotIsUsedAgainOnlyAfterItsReceipt) {
  Open();
  Write({"a"});
  Prepare(1);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  Write({"b"});
  EXPECT_THAT(Ids(Prepare(2)), ElementsAre(kSecond));
  EXPECT_EQ(Commit(2), absl::OkStatus());
  writer_->OnReceipt(Epoch(1));
  Write({"c"});  // the first slot again: its epoch has a receipt, the second's has none
  EXPECT_THAT(Ids(Prepare(3)), ElementsAre(kFirst));
  EXPECT_EQ(kafka_.CommittedValues().size(), 2u);
}

TEST_F(TransactionalWriterTest, InASteadyRhythmThreeHandlesAreEnough) {
  Open();
  for (uint64_t epoch = 1; epoch <= 20; ++epoch) {
    Write({absl::StrCat(epoch)});
    EXPECT_EQ(Prepare(epoch).size(), 1u);
    Write({absl::StrCat(epoch, " behind the barrier")});
    EXPECT_EQ(Commit(epoch), absl::OkStatus());
    writer_->OnReceipt(Epoch(epoch));
  }
  EXPECT_EQ(kafka_.made.size(), 3u);
  EXPECT_EQ(kafka_.CommittedValues().size(), 39u);
}

TEST_F(TransactionalWriterTest, ARepeatedCommitClosesTheHandleAndItsIdIsNotUsedAgain) {
  Open();
  Write({"a"});
  Prepare(1);
  kafka_.repeat_commits = {kFirst};
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("close"), IsEmpty());
  writer_->OnReceipt(Epoch(1));
  pool_.RunAll();
  EXPECT_THAT(kafka_.Calls("close"), ElementsAre(kFirst));
  for (uint64_t epoch = 2; epoch < 10; ++epoch) {
    Write({"x"});
    for (const std::string& id : Ids(Prepare(epoch))) EXPECT_NE(id, kFirst);
    EXPECT_EQ(Commit(epoch), absl::OkStatus());
    writer_->OnReceipt(Epoch(epoch));
  }
  EXPECT_EQ(kafka_.Calls("init"), (std::vector<std::string>{"p~7~3~2", "p~7~3~3"}));
}

TEST_F(TransactionalWriterTest, ARepeatedMarkerClosesTheHandleBehindItsTransaction) {
  Open();
  Write({"a"});
  kafka_.repeat_markers = {kFirst};
  Prepare(1);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a"));
  writer_->OnReceipt(Epoch(1));
  pool_.RunAll();
  EXPECT_THAT(kafka_.Calls("close"), ElementsAre(kFirst));
}

TEST_F(TransactionalWriterTest, ARepeatedOpeningMarkerLeavesTheIdAtOnce) {
  kafka_.repeat_markers = {kFirst};
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  pool_.RunAll();
  Write({"a"});
  EXPECT_THAT(Ids(Prepare(1)), ElementsAre(kSecond));
  EXPECT_THAT(kafka_.Calls("close"), ElementsAre(kFirst));
}

TEST_F(TransactionalWriterTest, ARepeatedOpeningCommitLeavesTheIdAtOnce) {
  kafka_.repeat_commits = {kFirst};
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  ASSERT_TRUE(pool_.RunOne());
  EXPECT_FALSE(writer_->HasRoom());
  pool_.RunAll();
  Write({"a"});
  EXPECT_THAT(Ids(Prepare(1)), ElementsAre(kSecond));
  EXPECT_THAT(kafka_.Calls("close"), ElementsAre(kFirst));
}

TEST_F(TransactionalWriterTest, WithoutASlotThereIsNoRoomButBarriersGoOn) {
  Open();
  for (uint64_t epoch = 1; epoch <= TransactionalWriter::kMaxSlots; ++epoch) {
    Write({"x"});
    EXPECT_EQ(Prepare(epoch).size(), epoch);
  }
  EXPECT_FALSE(writer_->HasRoom());
  EXPECT_EQ(writer_->slots(), TransactionalWriter::kMaxSlots);
  EXPECT_EQ(Prepare(6).size(), TransactionalWriter::kMaxSlots);
  EXPECT_EQ(Commit(6), absl::OkStatus());
  EXPECT_FALSE(writer_->HasRoom());
  const int before = wakeups_;
  writer_->OnReceipt(Epoch(6));
  EXPECT_GT(wakeups_, before);
  EXPECT_TRUE(writer_->HasRoom());
}

TEST_F(TransactionalWriterTest, AnOldTransactionStopsTheIntakeUntilItIsCommitted) {
  Open();
  Write({"a"});
  Prepare(1);
  clock_.now += absl::Seconds(30);
  EXPECT_TRUE(writer_->HasRoom());
  clock_.now += absl::Milliseconds(1);
  EXPECT_FALSE(writer_->HasRoom());
  EXPECT_EQ(Metric("oldestPendingTransactionAgeMs"), 30001);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_TRUE(writer_->HasRoom());
  EXPECT_EQ(Metric("oldestPendingTransactionAgeMs"), 0);
}

// Ages grow while nobody calls the writer.
TEST_F(TransactionalWriterTest, MetricsTellAgesSlotsAndCommits) {
  Open();
  const std::shared_ptr<const SinkMetrics> metrics = writer_->metrics();
  EXPECT_EQ(Metric("transactionTimeoutMs"), 60000);
  EXPECT_EQ(Metric("transactionSlotsReady"), 2);
  EXPECT_EQ(Metric("oldestPendingTransactionTimeoutRatio"), 0);
  Write({"a"});
  EXPECT_EQ(Metric("transactionSlotsOpen"), 1);
  clock_.now += absl::Seconds(15);
  EXPECT_EQ(Metric("oldestPendingTransactionAgeMs"), 15000);
  EXPECT_EQ(Metric("oldestPendingTransactionTimeoutRatio"), 0.25);
  Prepare(1);
  EXPECT_EQ(Metric("transactionSlotsPrepared"), 1);
  std::optional<absl::Status> committed;
  Permit(1, &committed);
  EXPECT_EQ(Metric("transactionSlotsCommitting"), 1);
  clock_.now += absl::Milliseconds(40);
  pool_.RunAll();
  writer_->HasRoom();
  EXPECT_EQ(Metric("committedTransactions"), 1);
  EXPECT_EQ(Metric("lastCommitLatencyMs"), 40);
  EXPECT_EQ(Metric("transactionSlotsCommitted"), 1);
  Write({"b"});
  Prepare(2);
  EXPECT_EQ(Commit(2), absl::OkStatus());
  EXPECT_EQ(Metric("committedTransactions"), 2);
  EXPECT_EQ(Metric("lastCommitLatencyMs"), 0);
  EXPECT_EQ(Metric("maxCommitLatencyMs"), 40);
  writer_->OnReceipt(Epoch(2));
  EXPECT_EQ(Metric("transactionSlotsCommitted"), 0);
  writer_.reset();
  EXPECT_EQ(metrics->Read().at("committedTransactions"), 2);
}

TEST_F(TransactionalWriterTest, TheBoundsOfWhatIsOutstandingStopTheIntake) {
  KafkaSinkOptions options;
  options.properties.Set("queue.buffering.max.messages", "4");
  Open(options);
  kafka_.deliver_on_poll = false;
  Write({"a", "b"});
  EXPECT_FALSE(writer_->HasRoom());
  kafka_.deliver_on_poll = true;
  EXPECT_TRUE(writer_->HasRoom());
}

TEST_F(TransactionalWriterTest, WhatTheClientDidNotTakeIsSentBeforeTheMarker) {
  Open();
  kafka_.room = 2;
  kafka_.deliver_on_poll = false;
  Write({"a", "b", "c", "d", "e"});
  EXPECT_FALSE(writer_->HasRoom());
  const std::vector<Committable> committables = Prepare(1);
  ASSERT_EQ(committables.size(), 1u);
  EXPECT_EQ(committables[0].ranges.at(0).count, 5u);
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(TransactionalWriterTest, APermitThatComesTwiceIsAnsweredWhenAllIsCommitted) {
  Open();
  Write({"a"});
  Prepare(1);
  kafka_.log.clear();
  std::optional<absl::Status> first, second;
  Permit(1, &first);
  Permit(1, &second);
  EXPECT_FALSE(second.has_value());
  pool_.RunAll();
  writer_->HasRoom();
  EXPECT_EQ(first, absl::OkStatus());
  EXPECT_EQ(second, absl::OkStatus());
  EXPECT_EQ(Commit(1), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("commit"), ElementsAre(kFirst));
}

}  // namespace
}  // namespace weir::kafka

// What `weir transactions` asks of a coordinator, and in which order.
#include "connectors/kafka/transactional/kafka_sink_transactions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/writer_instructions.h"

namespace weir::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers as the test has said, and keeps what it was asked.
class ScriptedBrokers final : public TransactionClient {
 public:
  EndTransactionAnswer EndTransaction(const std::string& id, ProducerIdAndEpoch, TransactionResult,
                                      absl::Duration) override {
    asked.push_back("END " + id);
    return {};
  }
  WriteOffsetAnswer WriteOffset(const std::string& id, ProducerIdAndEpoch, const TransactionOffset&,
                                absl::Duration) override {
    asked.push_back("WRITE " + id);
    return {};
  }
  absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string& id, absl::Duration,
                                                    absl::Duration) override {
    asked.push_back("init " + id);
    DescribedTransaction& one = described[id];
    one.state = TransactionState::kCompleteAbort;
    one.start_time.reset();
    one.partitions.clear();
    one.producer.epoch = static_cast<int16_t>(one.producer.epoch + 2);
    return one.producer;
  }
  absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>&, absl::Duration) override {
    asked.emplace_back("list");
    std::vector<ListedTransaction> listed;
    for (const auto& [id, one] : described) {
      listed.push_back({id, one.producer.producer_id, one.state});
    }
    return listed;
  }
  absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& ids, absl::Duration) override {
    asked.push_back("describe " + absl::StrJoin(ids, ","));
    std::map<std::string, DescribedTransaction> found;
    for (const std::string& id : ids) {
      if (described.count(id) > 0) found[id] = described[id];
    }
    return found;
  }
  absl::StatusOr<GroupOffset> FetchOffset(const std::string& group, const TopicPartition& partition,
                                          FetchOffsetOptions options, absl::Duration) override {
    EXPECT_FALSE(options.require_stable);  // nothing is waited for
    EXPECT_EQ(partition, (TopicPartition{"out", 0}));
    asked.push_back("offset " + group);
    if (offsets.count(group) == 0) return GroupOffset();
    return GroupOffset{GroupOffset::Kind::kValue, 1, offsets[group]};
  }
  absl::StatusOr<std::map<TopicPartition, GroupOffset>> FetchGroupOffsets(const std::string&,
                                                                          FetchOffsetOptions,
                                                                          absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition&,
                                                         absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition&, OffsetRange,
                                                    absl::Duration) override {
    return absl::UnimplementedError("");
  }
  void Cancel() override {}

  std::map<std::string, DescribedTransaction> described;
  std::map<std::string, std::string> offsets;
  std::vector<std::string> asked;
};

class KafkaSinkTransactionsTest : public ::testing::Test {
 protected:
  KafkaSinkTransactionsTest() {
    KafkaSinkTransactionsSetup setup;
    setup.topic = "out";
    setup.clients = [this]() -> absl::StatusOr<std::shared_ptr<TransactionClient>> {
      return std::shared_ptr<TransactionClient>(brokers_);
    };
    transactions_ = std::make_unique<KafkaSinkTransactions>(std::move(setup), clock_);
    facts_.identity = {"east", JobId("job-1"), "flights", OperatorUid("sink")};
    facts_.job_state = "RUNNING";
    facts_.running = WriterInstructions{6, kPrefix, absl::Hours(1)}.Encode();
    brokers_->offsets[OwnerId(kPrefix)] = OwnerRecord{"east", "job-1", 6, false}.Encode();
  }
  void Add(const std::string& id, TransactionState state) {
    DescribedTransaction& one = brokers_->described[id];
    one.state = state;
    one.producer = {7000, 3};
    if (state == TransactionState::kOngoing) one.start_time = clock_.Now();
  }

  static constexpr char kPrefix[] = "east-flights-sink";
  SystemClock clock_;
  std::shared_ptr<ScriptedBrokers> brokers_ = std::make_shared<ScriptedBrokers>();
  SinkTransactionFacts facts_;
  std::unique_ptr<KafkaSinkTransactions> transactions_;
};

TEST_F(KafkaSinkTransactionsTest, ListsTheExactPrefix) {
  Add("east-flights-sink~6~0~0", TransactionState::kOngoing);
  Add("east-flights-sink~5~0~0", TransactionState::kCompleteCommit);
  Add("east-flights-sink~owner", TransactionState::kCompleteCommit);
  Add("east-flights-sink-2~6~0~0", TransactionState::kOngoing);
  Add("other", TransactionState::kOngoing);
  brokers_->offsets["east-flights-sink~6~0~0"] =
      TransactionMarker{"job-1", 4, Epoch(12), {7000, 3}}.Encode();
  const auto rows = transactions_->List(facts_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::vector<std::string> seen;
  for (const SinkTransaction& row : *rows) {
    seen.push_back(absl::StrCat(row.kind, " ", row.id, " ", row.marker_epoch.value_or(77)));
  }
  EXPECT_THAT(seen,
              ElementsAre("IDLE east-flights-sink~5~0~0 77", "CURRENT east-flights-sink~6~0~0 12",
                          "OWNER east-flights-sink~owner 77"));
  // The record first: ids with lower fences are then of generations that are over. Markers of ids
  // that are over are of no interest.
  EXPECT_THAT(brokers_->asked,
              ElementsAre("offset east-flights-sink~owner", "list",
                          "describe east-flights-sink~5~0~0,east-flights-sink~6~0~0,"
                          "east-flights-sink~owner",
                          "offset east-flights-sink~6~0~0"));
}

TEST_F(KafkaSinkTransactionsTest, APrefixOfNobodyIsEmpty) {
  facts_.prefix = "old";
  const auto rows = transactions_->List(facts_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(*rows, IsEmpty());
}

TEST_F(KafkaSinkTransactionsTest, AStrayIsEndedByInitProducerIdOnce) {
  const std::string id = "east-flights-sink~5~0~0";
  Add(id, TransactionState::kOngoing);
  auto done = transactions_->Abort(facts_, id);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(*done, ElementsAre(HasSubstr("producer id 7000, epoch 3, is fenced by producer id "
                                           "7000, epoch 5")));
  EXPECT_EQ(brokers_->asked.back(), "init " + id);
  done = transactions_->Abort(facts_, id);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(*done, ElementsAre(HasSubstr("has no open transaction (CompleteAbort)")));
  EXPECT_EQ(std::count(brokers_->asked.begin(), brokers_->asked.end(), "init " + id), 1);
}

TEST_F(KafkaSinkTransactionsTest, WhatIsRefusedIsNotTouched) {
  const std::string id = "east-flights-sink~6~0~0";
  Add(id, TransactionState::kOngoing);
  EXPECT_TRUE(absl::IsFailedPrecondition(transactions_->Abort(facts_, id).status()));
  for (const std::string& asked : brokers_->asked) {
    EXPECT_NE(asked.substr(0, 3), "END");
    EXPECT_NE(asked.substr(0, 4), "init");
  }
}

TEST_F(KafkaSinkTransactionsTest, UnknownAndForeignIdsAreTold) {
  const std::string unknown = "east-flights-sink~6~0~9";
  EXPECT_TRUE(absl::IsNotFound(transactions_->Explain(facts_, unknown).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(transactions_->Explain(facts_, "other~1~0~0").status()));
  EXPECT_TRUE(transactions_->Names(facts_, unknown));
  EXPECT_FALSE(transactions_->Names(facts_, "other~1~0~0"));
  facts_.prefix = "other";
  EXPECT_TRUE(transactions_->Names(facts_, "other~1~0~0"));
}

TEST_F(KafkaSinkTransactionsTest, WhatIsNoMarkerOfWeirsIsNone) {
  const std::string id = "east-flights-sink~5~0~0";
  Add(id, TransactionState::kOngoing);
  brokers_->offsets[id] = "somebody's words";
  const auto explained = transactions_->Explain(facts_, id);
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_THAT(absl::StrJoin(*explained, "\n"), HasSubstr("It has no committed marker."));
}

}  // namespace
}  // namespace weir::kafka

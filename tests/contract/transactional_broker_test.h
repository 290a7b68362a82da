#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "connectors/kafka/java_partitioning.h"
#include "tests/contract/transactional_broker_under_test.h"

namespace weir::kafka {

/// How long anything may take that should take milliseconds.
inline constexpr absl::Duration kTimeout = absl::Seconds(30);

inline GroupOffset Value(int64_t offset, const std::string& metadata) {
  return {GroupOffset::Kind::kValue, offset, metadata};
}
inline const GroupOffset kAbsent{GroupOffset::Kind::kAbsent, -1, ""};
inline const GroupOffset kUnstable{GroupOffset::Kind::kUnstable, -1, ""};

/// A producer of the sink's kind, opened, which tells of every error.
class HolderOfTest final : public TransactionDeliveryListener {
 public:
  HolderOfTest(TransactionalBrokerUnderTest& broker, const std::string& topic,
               const std::string& id, absl::Duration timeout)
      : producer_(broker.MakeProducer(topic, id, timeout)),
        client_(broker.client()),
        topic_(topic),
        id_(id) {
    const absl::Status opened = producer_->Init(kTimeout);
    EXPECT_TRUE(opened.ok()) << opened;
    const auto described = broker.client().DescribeTransactions({id}, kTimeout);
    EXPECT_TRUE(described.ok() && described->count(id) == 1) << described.status();
    identity_ = described->at(id).producer;
  }

  const ProducerIdAndEpoch& identity() const { return identity_; }
  void Begin() {
    const absl::Status status = producer_->Begin(*this);
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status Send(int32_t partition, const std::vector<std::string>& values) {
    // A key that Java's partitioner puts there.
    std::string key = "k";
    while (PartitionForKey(key, 2) != partition) key += "k";
    for (const std::string& value : values) {
      OutgoingMessage message;
      message.key = {key.data(), key.size(), false};
      message.value = {value.data(), value.size(), false};
      const auto taken = producer_->Produce({&message, 1});
      if (!taken.ok()) return taken.status();
      EXPECT_EQ(*taken, 1u);
    }
    return absl::OkStatus();
  }
  absl::Status Marker(const std::string& group, int64_t offset, const std::string& metadata) {
    return client_.WriteOffset(id_, identity_, {group, {topic_, 0}, offset, metadata}, kTimeout)
        .detail;
  }
  /// The first record that was not delivered, or what Flush says.
  absl::Status Flush() {
    failure_ = absl::OkStatus();
    const absl::Status status = producer_->Flush(kTimeout);
    return failure_.ok() ? status : failure_;
  }
  absl::Status Commit() { return producer_->Commit(kTimeout); }
  /// Also a transaction without records, which the producer would not end.
  absl::Status CommitFromOutside() {
    return client_.EndTransaction(id_, identity_, TransactionResult::kCommit, kTimeout).detail;
  }
  void Prepare(int32_t partition, const std::vector<std::string>& values) {
    Begin();
    ASSERT_TRUE(Send(partition, values).ok());
    const absl::Status flushed = Flush();
    ASSERT_TRUE(flushed.ok()) << flushed;
  }

  void OnDelivered(const DeliveredRun&) override {}
  void OnFailed(size_t, const absl::Status& error) override { failure_ = error; }

 private:
  std::unique_ptr<KafkaTransactionalProducer> producer_;
  TransactionClient& client_;
  const std::string topic_;
  const std::string id_;
  ProducerIdAndEpoch identity_;
  absl::Status failure_;
};

/// Tests of one transactional id and a topic of two partitions.
class TransactionalBrokerTest : public ::testing::TestWithParam<TransactionalBrokerKind> {
 protected:
  void SetUp() override { Use(GetParam().shared()); }
  void Use(std::unique_ptr<TransactionalBrokerUnderTest> broker) {
    broker_ = std::move(broker);
    if (broker_ == nullptr) GTEST_SKIP() << "no broker here";
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = test->name();
    name.resize(name.find('/'));
    topic_ = absl::StrCat("contract.", name);
    id_ = absl::StrCat("contract-id.", name);
    const absl::Status created = broker_->CreateTopic(topic_);
    ASSERT_TRUE(created.ok()) << created;
  }

  TransactionClient& Client() { return broker_->client(); }
  TopicPartition At(int32_t partition) const { return {topic_, partition}; }
  std::unique_ptr<HolderOfTest> Open(const std::string& id,
                                     absl::Duration timeout = absl::Minutes(1)) {
    return std::make_unique<HolderOfTest>(*broker_, topic_, id, timeout);
  }
  // A prepared transaction whose producer is gone.
  ProducerIdAndEpoch Abandoned(const std::vector<std::string>& values,
                               absl::Duration timeout = absl::Minutes(1)) {
    const auto holder = Open(id_, timeout);
    holder->Prepare(0, values);
    return holder->identity();
  }

  EndTransactionOutcome Commit(ProducerIdAndEpoch producer) {
    return End(id_, producer, TransactionResult::kCommit);
  }
  EndTransactionOutcome Abort(ProducerIdAndEpoch producer) {
    return End(id_, producer, TransactionResult::kAbort);
  }
  EndTransactionOutcome End(const std::string& id, ProducerIdAndEpoch producer,
                            TransactionResult result, absl::Duration timeout = kTimeout) {
    const EndTransactionAnswer answer = Client().EndTransaction(id, producer, result, timeout);
    EXPECT_EQ(answer.unanswered_requests, 0);
    EXPECT_EQ(answer.detail.ok(), answer.outcome == EndTransactionOutcome::kDone);
    detail_ = std::string(answer.detail.message());
    return answer.outcome;
  }
  absl::StatusOr<ProducerIdAndEpoch> TakeOver(const std::string& id,
                                              absl::Duration timeout = kTimeout) {
    return Client().InitProducerId(id, absl::Minutes(1), timeout);
  }

  TransactionState State(const std::string& id) {
    const auto described = Client().DescribeTransactions({id}, kTimeout);
    EXPECT_TRUE(described.ok()) << described.status();
    if (!described.ok() || described->count(id) == 0) return TransactionState::kUnknown;
    return described->at(id).state;
  }
  // Waits until the coordinator says so; its state afterwards is the result.
  TransactionState Await(const std::string& id, TransactionState wanted) {
    TransactionState state = State(id);
    for (int i = 0; i < 1000 && state != wanted; ++i) {
      broker_->Pass(absl::Milliseconds(20));
      state = State(id);
    }
    return state;
  }
  GroupOffset Marker(const std::string& group, bool require_stable = true) {
    const auto offset = Client().FetchOffset(group, At(0), {require_stable}, kTimeout);
    EXPECT_TRUE(offset.ok()) << offset.status();
    return *offset;
  }
  PartitionOffsets Offsets(int32_t partition) {
    const auto offsets = Client().FetchPartitionOffsets(At(partition), kTimeout);
    EXPECT_TRUE(offsets.ok()) << offsets.status();
    return *offsets;
  }
  // What a reader of committed records sees in front of a last record in each partition. More or
  // fewer than `count` shows, since exactly so many are read; so does a transaction that is left
  // open, since the last records lie behind it.
  std::vector<std::string> Committed(int64_t count) {
    for (int32_t partition = 0; partition < 2; ++partition) {
      const absl::Status appended = broker_->Append(At(partition), "last");
      EXPECT_TRUE(appended.ok()) << appended;
    }
    std::vector<std::string> values = broker_->ReadCommitted(topic_, count + 2);
    EXPECT_EQ(std::erase(values, "last"), 2u);
    return values;
  }

  std::unique_ptr<TransactionalBrokerUnderTest> broker_;
  std::string topic_;
  std::string id_;
  std::string detail_;
};

}  // namespace weir::kafka

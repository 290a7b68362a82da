#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/time/system_clock.h"
#include "connectors/kafka/wire/tcp_byte_stream.h"
#include "connectors/kafka/wire/wire_transaction_client.h"
#include "tests/integration/raw_transactional_producer.h"
#include "tests/support/kafka/kafka_test.h"

namespace weir::kafka {

/// How long anything may take that should take milliseconds.
inline constexpr absl::Duration kTimeout = absl::Seconds(30);

/// A wire client on real TCP and real time.
struct RealClient {
  explicit RealClient(const std::string& brokers) {
    WireTransactionClientOptions options;
    options.brokers.bootstrap = *ParseBootstrapServers(brokers);
    options.brokers.connect = TcpConnector(clock);
    client = std::make_unique<WireTransactionClient>(clock, wait, options);
  }
  SystemClock clock;
  ThreadRetryWait wait;
  std::unique_ptr<WireTransactionClient> client;
};

/// Waits until the coordinator says so; its state afterwards is the result.
inline TransactionState AwaitState(RealClient& real, const std::string& id,
                                   TransactionState wanted) {
  TransactionState state = TransactionState::kUnknown;
  for (int i = 0; i < 1000 && state != wanted; ++i) {
    if (i > 0) real.wait.Wait(absl::Milliseconds(20));
    const auto described = real.client->DescribeTransactions({id}, kTimeout);
    if (!described.ok() || described->count(id) == 0) continue;
    state = described->at(id).state;
  }
  return state;
}

inline std::vector<std::string> Values(const std::vector<KafkaTestRecord>& records) {
  std::vector<std::string> values;
  for (const KafkaTestRecord& record : records) values.push_back(record.value.value_or("null"));
  return values;
}

/// Tests of transactions on the shared cluster: a topic of two partitions, a transactional id, and
/// the wire client.
class KafkaTransactionsTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    topic_ = TopicName("out");
    id_ = TopicName("id");
    ASSERT_TRUE(cluster().CreateTopic(topic_, 2).ok());
    real_ = std::make_unique<RealClient>(cluster().bootstrap_servers());
  }
  static std::string Brokers() { return cluster().bootstrap_servers(); }
  WireTransactionClient& Client() { return *real_->client; }
  TopicPartition At(int32_t partition) const { return {topic_, partition}; }

  std::unique_ptr<RawTransactionalProducer> Open(const std::string& id,
                                                 absl::Duration timeout = absl::Minutes(1)) {
    auto producer = RawTransactionalProducer::Open(Brokers(), id, timeout);
    EXPECT_TRUE(producer.ok()) << producer.status();
    return *std::move(producer);
  }
  // Begins, writes to partition 0 and flushes.
  static void Prepare(RawTransactionalProducer& producer, const TopicPartition& to,
                      const std::vector<std::string>& values) {
    ASSERT_TRUE(producer.Begin().ok());
    ASSERT_TRUE(producer.Produce(to, values).ok());
    const absl::Status flushed = producer.Flush();
    ASSERT_TRUE(flushed.ok()) << flushed;
  }
  // A prepared transaction whose producer is gone.
  ProducerIdAndEpoch Abandoned(const std::vector<std::string>& values,
                               absl::Duration timeout = absl::Minutes(1)) {
    auto producer = Open(id_, timeout);
    Prepare(*producer, At(0), values);
    return producer->identity();
  }
  EndTransactionOutcome Commit(ProducerIdAndEpoch producer) {
    return End(producer, TransactionResult::kCommit);
  }
  EndTransactionOutcome Abort(ProducerIdAndEpoch producer) {
    return End(producer, TransactionResult::kAbort);
  }
  EndTransactionOutcome End(ProducerIdAndEpoch producer, TransactionResult result) {
    const EndTransactionAnswer answer = Client().EndTransaction(id_, producer, result, kTimeout);
    EXPECT_EQ(answer.unanswered_requests, 0);
    detail_ = std::string(answer.detail.message());
    return answer.outcome;
  }
  // What Java's consumer, reading only what is committed, sees in front of a last record in each
  // partition. More or fewer than `count` shows, since exactly so many are read; so does a
  // transaction that is left open, since the last records lie behind it.
  std::vector<std::string> Committed(int64_t count) {
    KafkaTestRecord last;
    last.value = "last";
    last.partition = 0;
    KafkaTestRecord other = last;
    other.partition = 1;
    const absl::Status produced = cluster().Produce(topic_, {last, other});
    EXPECT_TRUE(produced.ok()) << produced;
    KafkaReadOptions read;
    read.count = count + 2;
    read.quiet = absl::Seconds(20);
    const auto records = cluster().ConsumeAll(topic_, read);
    EXPECT_TRUE(records.ok()) << records.status();
    std::vector<std::string> values = Values(*records);
    EXPECT_EQ(std::erase(values, "last"), 2u);
    return values;
  }
  GroupOffset Marker(const std::string& group, bool require_stable = true) {
    const auto offset = Client().FetchOffset(group, At(0), {require_stable}, kTimeout);
    EXPECT_TRUE(offset.ok()) << offset.status();
    return *offset;
  }

  std::string topic_;
  std::string id_;
  std::string detail_;
  std::unique_ptr<RealClient> real_;
};

inline GroupOffset Value(int64_t offset, const std::string& metadata) {
  return {GroupOffset::Kind::kValue, offset, metadata};
}
inline const GroupOffset kAbsent{GroupOffset::Kind::kAbsent, -1, ""};
inline const GroupOffset kUnstable{GroupOffset::Kind::kUnstable, -1, ""};

}  // namespace weir::kafka

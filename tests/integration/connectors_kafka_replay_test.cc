// Publishing aborted records again, on real Kafka (docs/protocols/transactions.md, recovery, step
// 5): the product's committer recovers what a product's writer has left; the reader is Java's
// console consumer.
#include <gmock/gmock.h>

#include <algorithm>

#include "common/types/record.h"
#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/resolved_sink_options.h"
#include "connectors/kafka/transactional/record_checksum.h"
#include "connectors/kafka/transactional/transactional_committer.h"
#include "connectors/kafka/transactional/transactional_configuration.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"
#include "tests/integration/connectors_kafka_transactions_support.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct TestRecord {
  std::string key;
  std::string value;
  int64_t timestamp_ms = 0;
  MessageHeaders headers = {};
};

Payload View(const std::string& text) { return {text.data(), text.size(), false}; }

class KafkaReplayTest : public KafkaTransactionsTest {
 protected:
  void SetUp() override {
    KafkaTransactionsTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    KafkaSinkOptions sink;
    sink.properties.Set("bootstrap.servers", Brokers());
    sink.properties.Set("batch.size", "200");  // some batches, not one
    sink.properties.Set("compression.type", "lz4");
    sink.topic = topic_;
    sink.delivery = DeliveryGuarantee::kExactlyOnce;
    sink.value_format = StringRecordFormat();
    configuration_ = ResolveSinkOptions(sink, SchemaOf<std::string>())->configuration;
  }

  // What a writer leaves behind when its process dies right after the barrier of `epoch`.
  Committable Prepare(uint32_t subtask, uint32_t slot, uint64_t epoch,
                      const std::vector<TestRecord>& records) {
    TransactionalProducerOptions options;
    options.configuration = TransactionalConfiguration(configuration_, absl::Minutes(1));
    const std::string id = TransactionalId{id_, 1, subtask, slot}.ToString();
    options.configuration.values["transactional.id"] = id;
    options.topic = topic_;
    options.wakeup = [] {};
    options.cancelled = std::make_shared<std::atomic<bool>>(false);
    auto producer = *RdKafkaClients()->MakeTransactionalProducer(options);
    EXPECT_TRUE(producer->Init(kTimeout).ok());
    Committable one;
    one.transactional_id = id;
    one.topic = topic_;
    one.marker.run = "run-1";
    one.marker.generation = 1;
    one.marker.producer = Client().DescribeTransactions({id}, kTimeout)->at(id).producer;
    WriteMarker(one, 0);
    EXPECT_TRUE(Client()
                    .EndTransaction(id, one.marker.producer, TransactionResult::kCommit, kTimeout)
                    .detail.ok());
    std::vector<OutgoingMessage> messages;
    for (const TestRecord& record : records) {
      messages.push_back({View(record.key), View(record.value), record.timestamp_ms, -1,
                          record.headers.empty() ? nullptr : &record.headers});
    }
    TransactionAccounts accounts;
    EXPECT_TRUE(producer->Begin(accounts).ok());
    size_t bytes = 0;
    for (const OutgoingMessage& message : messages) bytes += message.key.size + message.value.size;
    accounts.Sent(messages.size(), bytes);
    EXPECT_EQ(*producer->Produce(messages), messages.size());
    EXPECT_TRUE(producer->Flush(kTimeout).ok());
    WriteMarker(one, epoch);
    EXPECT_TRUE(accounts.CheckComplete().ok());
    one.ranges = accounts.ranges();
    one.started = absl::FromUnixSeconds(1'700'000'000);
    one.timeout = absl::Minutes(1);
    return one;
  }
  void WriteMarker(Committable& one, uint64_t epoch) {
    one.marker.epoch = Epoch(epoch);
    const TransactionOffset marker{
        one.transactional_id, {topic_, 0}, static_cast<int64_t>(epoch), one.marker.Encode()};
    const absl::Status written =
        Client().WriteOffset(one.transactional_id, one.marker.producer, marker, kTimeout).detail;
    EXPECT_TRUE(written.ok()) << written;
  }
  void AbortFromOutside(const Committable& one) {
    const auto taken = Client().InitProducerId(one.transactional_id, absl::Minutes(1), kTimeout);
    ASSERT_TRUE(taken.ok()) << taken.status();
  }
  std::unique_ptr<TransactionalCommitter> MakeCommitter() {
    TransactionalCommitterSetup setup;
    setup.configuration = configuration_;
    setup.topic = topic_;
    setup.prefix = id_;
    setup.transaction_timeout = absl::Minutes(1);
    setup.clients = RdKafkaClients();
    setup.transaction_clients = [this] {
      return MakeWireTransactionClient(configuration_, real_->clock);
    };
    return std::make_unique<TransactionalCommitter>(std::move(setup), real_->clock);
  }
  absl::Status Recover(uint64_t epoch, const std::vector<Committable>& committables,
                       ResumePolicy policy = ResumePolicy::kAsConfigured) {
    SinkRecovery recovery;
    recovery.identity = {"east", JobId("run-1"), "flights", OperatorUid("sink")};
    recovery.generation = Generation(2);
    recovery.policy = policy;
    UncommittedEpoch uncommitted{PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1)), {}};
    for (const Committable& one : committables) uncommitted.committables.push_back(one.Encode());
    recovery.uncommitted = {uncommitted};
    return MakeCommitter()->Recover(recovery).status();
  }
  std::vector<KafkaTestRecord> Read(int64_t count) {
    KafkaReadOptions read;
    read.count = count;
    read.quiet = absl::Seconds(20);
    read.headers = true;
    auto records = cluster().ConsumeAll(topic_, read);
    EXPECT_TRUE(records.ok()) << records.status();
    return *std::move(records);
  }
  // No transaction of the prefix is open: readers see everything that is in the topic.
  void ExpectNothingOpen() {
    for (int32_t partition = 0; partition < 2; ++partition) {
      const auto offsets = Client().FetchPartitionOffsets(At(partition), kTimeout);
      ASSERT_TRUE(offsets.ok()) << offsets.status();
      EXPECT_EQ(offsets->last_stable_offset, offsets->high_watermark) << partition;
    }
  }

  ClientConfiguration configuration_;
};

TEST_F(KafkaReplayTest, EveryRecordComesBackOnceWithKeyPartitionAndTime) {
  std::vector<TestRecord> records;
  for (int i = 0; i < 100; ++i) {
    records.push_back({absl::StrCat("key", i % 7), absl::StrCat("value ", i), 1'000'000 + i});
  }
  const Committable aborted = Prepare(0, 0, 5, records);
  ASSERT_GT(aborted.ranges.size(), 1u) << "the keys were to meet both partitions";
  const Committable beside = Prepare(1, 0, 5, {{"b", "beside", 7}});
  AbortFromOutside(aborted);
  const absl::Status recovered = Recover(5, {aborted, beside});
  ASSERT_TRUE(recovered.ok()) << recovered;

  const std::vector<KafkaTestRecord> read = Read(101);
  ASSERT_EQ(read.size(), 101u);
  std::vector<std::string> values = Values(read);
  EXPECT_THAT(values, Contains("beside"));
  std::map<std::string, std::vector<int>> by_key;
  for (const KafkaTestRecord& record : read) {
    int number = 0;
    if (sscanf(record.value->c_str(), "value %d", &number) != 1) continue;
    EXPECT_EQ(record.timestamp_ms, 1'000'000 + number);
    EXPECT_EQ(*record.key, absl::StrCat("key", number % 7));
    by_key[*record.key].push_back(number);
    // Where Java's partitioner sends the key, as the first time.
    EXPECT_GT(aborted.ranges.count(*record.partition), 0u);
  }
  size_t count = 0;
  for (const auto& [key, numbers] : by_key) {
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << key;
    count += numbers.size();
  }
  EXPECT_EQ(count, 100u);
  ExpectNothingOpen();
  EXPECT_EQ(Marker(aborted.transactional_id).metadata, aborted.marker.Encode());

  // Again, as a committer does that died before the receipt: nothing comes twice.
  ASSERT_TRUE(Recover(5, {aborted, beside}).ok());
  EXPECT_EQ(Read(101).size(), 101u);
  const auto ends = cluster().EndOffsets(topic_);
  ASSERT_TRUE(Recover(5, {aborted, beside}).ok());
  EXPECT_EQ(*cluster().EndOffsets(topic_), *ends);
}

// A zombie has begun to write after the recovery had looked for open ids.
TEST_F(KafkaReplayTest, HeadersComeBackToo) {
  const Committable aborted =
      Prepare(0, 0, 5, {{"k", "v", 7, {{"why", "bad"}, {"where", "here"}}}, {"k", "w", 8}});
  AbortFromOutside(aborted);
  const absl::Status recovered = Recover(5, {aborted});
  ASSERT_TRUE(recovered.ok()) << recovered;
  const std::vector<KafkaTestRecord> read = Read(2);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].headers,
            (std::map<std::string, std::string>{{"why", "bad"}, {"where", "here"}}));
  EXPECT_TRUE(read[1].headers.empty());
}

TEST_F(KafkaReplayTest, ASweepLetsReadersPassWhatAZombieHasOpened) {
  Prepare(0, 0, 5, {{"k", "zombie", 1}});
  const std::string later = WriterInstructions{2, id_, absl::Minutes(1)}.Encode();
  const absl::Status swept =
      MakeCommitter()->Sweep({"east", JobId("run-1"), "flights", OperatorUid("sink")}, later);
  ASSERT_TRUE(swept.ok()) << swept;
  EXPECT_EQ(AwaitState(*real_, TransactionalId{id_, 1, 0, 0}.ToString(), TransactionState::kEmpty),
            TransactionState::kEmpty);
  ExpectNothingOpen();
}

TEST_F(KafkaReplayTest, LaterEpochsOfTheSubtaskComeBehind) {
  const Committable first = Prepare(0, 0, 5, {{"k", "1", 1}});
  const Committable second = Prepare(0, 1, 6, {{"k", "2", 2}});  // of the owned epoch, open
  AbortFromOutside(first);
  ASSERT_TRUE(Recover(6, {second, first}).ok());
  EXPECT_THAT(Values(Read(2)), ElementsAre("1", "2"));
  ExpectNothingOpen();
}

TEST_F(KafkaReplayTest, OneThatWasAbortedWithItsEpochStillValidIsFencedFirst) {
  const Committable aborted = Prepare(0, 0, 5, {{"k", "late", 1}});
  const EndTransactionAnswer answer = Client().EndTransaction(
      aborted.transactional_id, aborted.marker.producer, TransactionResult::kAbort, kTimeout);
  ASSERT_EQ(answer.outcome, EndTransactionOutcome::kDone) << answer.detail;
  ASSERT_TRUE(Recover(5, {aborted}).ok());
  EXPECT_THAT(Values(Read(1)), ElementsAre("late"));
  const EndTransactionAnswer again = Client().EndTransaction(
      aborted.transactional_id, aborted.marker.producer, TransactionResult::kAbort, kTimeout);
  EXPECT_EQ(again.outcome, EndTransactionOutcome::kFenced);
}

TEST_F(KafkaReplayTest, ARangeThatIsGoneIsNamedAndADecisionGoesOn) {
  const Committable aborted =
      Prepare(0, 0, 5, {{"k", "1", 1}, {"k", "2", 2}, {"k", "3", 3}, {"k", "4", 4}});
  const Committable beside = Prepare(1, 0, 5, {{"k", "beside", 1}});
  ASSERT_EQ(aborted.ranges.size(), 1u);
  const auto& [partition, range] = *aborted.ranges.begin();
  AbortFromOutside(aborted);
  // Retention takes two of its four records.
  const absl::Status deleted =
      cluster().DeleteRecordsBefore(topic_, partition, range.first_offset + 2);
  ASSERT_TRUE(deleted.ok()) << deleted;
  const absl::Status lost = Recover(5, {aborted, beside});
  EXPECT_TRUE(absl::IsDataLoss(lost)) << lost;
  EXPECT_THAT(std::string(lost.message()),
              AllOf(HasSubstr("epoch 5"), HasSubstr("was aborted"),
                    HasSubstr(absl::StrCat("topic '", topic_, "', partition ", partition,
                                           " offsets ", range.first_offset, " to ",
                                           range.last_offset, " (4 records)"))));
  ExpectNothingOpen();

  ASSERT_TRUE(Recover(5, {aborted, beside}, ResumePolicy::kReplay).ok());
  EXPECT_THAT(Values(Read(3)), ElementsAre("beside", "3", "4"));
}

}  // namespace
}  // namespace weir::kafka

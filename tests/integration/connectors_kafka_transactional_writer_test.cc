// The transactional writer against a real broker; the reader is Java's console consumer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/rdkafka_transactional_producer.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"
#include "tests/integration/connectors_kafka_support.h"
#include "tests/support/kafka/kafka_test.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kTimeout = absl::Seconds(60);

// One subtask's writer, driven as its task does.
class WriterRun {
 public:
  struct Options {
    std::string brokers;
    std::string topic;
    std::string prefix;
    absl::Duration transaction_timeout = absl::Minutes(1);
    Properties properties = {};
  };

  explicit WriterRun(const Options& options) : pool_({"txn", 4}) {
    KafkaSinkOptions sink;
    sink.properties = options.properties;
    sink.properties.Set("bootstrap.servers", options.brokers);
    sink.topic = options.topic;
    sink.value_format = StringRecordFormat();
    TransactionalWriterSetup setup;
    setup.options = *ResolveSinkOptions(sink, SchemaOf<std::string>());
    setup.context.identity.job = JobId("run-1");
    setup.context.generation = Generation(2);
    setup.context.pool = &pool_;
    setup.clients = RdKafkaClients();
    setup.transaction_clients = [this, configuration = setup.options.configuration] {
      return MakeWireTransactionClient(configuration, clock_);
    };
    writer_ = std::make_unique<TransactionalWriter>(std::move(setup), clock_);
    writer_->SetWakeup(wakeup_.Callback());
    const absl::Status opened =
        writer_->Open(WriterInstructions{3, options.prefix, options.transaction_timeout}.Encode());
    EXPECT_TRUE(opened.ok()) << opened;
  }

  // Waits for room; false when none comes.
  bool AwaitRoom(absl::Duration timeout = kTimeout) {
    const absl::Duration end = clock_.Monotonic() + timeout;
    while (!writer_->HasRoom()) {
      if (clock_.Monotonic() > end) return false;
      wakeup_.Wait(absl::Milliseconds(200));
    }
    return true;
  }
  void Write(const std::vector<std::string>& values) {
    ASSERT_TRUE(AwaitRoom());
    const absl::Status status = writer_->Write(StringBatch(values));
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<Committable> Prepare(uint64_t epoch) {
    std::optional<absl::StatusOr<std::vector<std::string>>> answer;
    writer_->PrepareCommit(Epoch(epoch), [&](auto prepared) { answer = std::move(prepared); });
    Await([&] { return answer.has_value(); });
    std::vector<Committable> committables;
    if (!answer.has_value() || !answer->ok()) {
      ADD_FAILURE() << (answer.has_value() ? answer->status() : absl::UnknownError("no answer"));
      return committables;
    }
    for (const std::string& bytes : **answer) {
      committables.push_back(*Committable::Decode(bytes));
    }
    return committables;
  }
  void StartCommit(uint64_t epoch) {
    committed_.reset();
    writer_->Commit(PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1)),
                    [this](absl::Status status) { committed_ = std::move(status); });
  }
  absl::Status AwaitCommit(absl::Duration timeout = kTimeout) {
    Await([this] { return committed_.has_value(); }, timeout);
    return committed_.value_or(absl::DeadlineExceededError("no answer"));
  }
  absl::Status Commit(uint64_t epoch) {
    StartCommit(epoch);
    return AwaitCommit();
  }
  void Pause(absl::Duration duration) {
    const absl::Duration end = clock_.Monotonic() + duration;
    while (clock_.Monotonic() < end) wakeup_.Wait(end - clock_.Monotonic());
  }

  TransactionalWriter& writer() { return *writer_; }
  const Clock& clock() const { return clock_; }
  void Destroy() { writer_.reset(); }

 private:
  template <class Condition>
  void Await(Condition condition, absl::Duration timeout = kTimeout) {
    const absl::Duration end = clock_.Monotonic() + timeout;
    while (!condition() && clock_.Monotonic() < end) {
      wakeup_.Wait(absl::Milliseconds(200));
      writer_->HasRoom();
    }
  }

  SystemClock clock_;
  ThreadBlockingPool pool_;
  WakeupSignal wakeup_;
  std::optional<absl::Status> committed_;
  std::unique_ptr<TransactionalWriter> writer_;
};

std::vector<std::string> Read(KafkaCluster& cluster, const std::string& topic, size_t expected,
                              KafkaIsolation isolation = KafkaIsolation::kReadCommitted) {
  KafkaReadOptions options;
  options.count = static_cast<int64_t>(expected);
  options.quiet = expected == 0 ? absl::Seconds(3) : absl::Seconds(8);
  options.isolation = isolation;
  const auto records = cluster.ConsumeAll(topic, options);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::string> values;
  if (records.ok()) {
    for (const KafkaTestRecord& record : *records) values.push_back(record.value.value_or("null"));
  }
  return values;
}

class KafkaTransactionalWriterTest : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    topic_ = TopicName("out");
    client_ = *MakeWireTransactionClient(
        {ClientKind::kProducer, {{"bootstrap.servers", cluster().bootstrap_servers()}}}, clock_);
  }
  void CreateTopic(int partitions) { ASSERT_TRUE(cluster().CreateTopic(topic_, partitions).ok()); }
  WriterRun::Options RunOptions() const {
    return {cluster().bootstrap_servers(), topic_, topic_ + "~prefix"};
  }
  TransactionState StateOf(const std::string& id) {
    const auto described = client_->DescribeTransactions({id}, kTimeout);
    EXPECT_TRUE(described.ok()) << described.status();
    if (!described.ok() || described->count(id) == 0) return TransactionState::kUnknown;
    return described->at(id).state;
  }

  SystemClock clock_;
  std::string topic_;
  std::shared_ptr<TransactionClient> client_;
};

TEST_F(KafkaTransactionalWriterTest, NothingIsVisibleBeforeThePermitAndAllIsAfterIt) {
  CreateTopic(3);
  WriterRun run(RunOptions());
  std::vector<std::string> values;
  for (int i = 0; i < 1000; ++i) values.push_back(absl::StrCat("v", i));
  run.Write(values);
  const std::vector<Committable> committables = run.Prepare(1);
  ASSERT_EQ(committables.size(), 1u);
  uint64_t count = 0;
  for (const auto& [partition, range] : committables[0].ranges) count += range.count;
  EXPECT_EQ(count, 1000u);
  EXPECT_EQ(committables[0].timeout, absl::Minutes(1));
  EXPECT_EQ(StateOf(committables[0].transactional_id), TransactionState::kOngoing);
  EXPECT_THAT(Read(cluster(), topic_, 0), IsEmpty());
  ASSERT_EQ(run.Commit(1), absl::OkStatus());
  std::vector<std::string> read = Read(cluster(), topic_, 1000);
  std::sort(read.begin(), read.end());
  std::sort(values.begin(), values.end());
  EXPECT_EQ(read, values);
}

TEST_F(KafkaTransactionalWriterTest, AFailedEpochIsCommittedWithTheNextOneAndInOrder) {
  CreateTopic(1);
  WriterRun run(RunOptions());
  run.Write({"a"});
  EXPECT_EQ(run.Prepare(1).size(), 1u);
  ASSERT_EQ(run.Commit(1), absl::OkStatus());
  run.writer().OnReceipt(Epoch(1));
  run.Write({"b"});
  EXPECT_EQ(run.Prepare(2).size(), 1u);  // nobody permits it
  run.Write({"c"});
  EXPECT_EQ(run.Prepare(3).size(), 2u);
  run.Write({"d"});  // behind the barrier
  ASSERT_EQ(run.Commit(3), absl::OkStatus());
  run.writer().OnReceipt(Epoch(3));
  EXPECT_THAT(Read(cluster(), topic_, 3), ElementsAre("a", "b", "c"));
  EXPECT_EQ(run.Prepare(4).size(), 1u);
  ASSERT_EQ(run.Commit(4), absl::OkStatus());
  EXPECT_THAT(Read(cluster(), topic_, 4), ElementsAre("a", "b", "c", "d"));
}

TEST_F(KafkaTransactionalWriterTest, WhatADestroyedWriterPreparedIsCommittedFromOutside) {
  CreateTopic(1);
  std::vector<Committable> committables;
  {
    WriterRun run(RunOptions());
    run.Write({"prepared 1", "prepared 2"});
    committables = run.Prepare(1);
    run.Write({"open"});
  }
  ASSERT_EQ(committables.size(), 1u);
  const Committable& prepared = committables[0];
  EXPECT_EQ(StateOf(prepared.transactional_id), TransactionState::kOngoing);
  const TopicPartition at{topic_, 0};
  const auto before = client_->FetchOffset(prepared.transactional_id, at, {false}, kTimeout);
  ASSERT_TRUE(before.ok()) << before.status();
  TransactionMarker opening = prepared.marker;
  opening.epoch = Epoch(0);
  EXPECT_EQ(before->metadata, opening.Encode());
  EXPECT_EQ(before->offset, 0);
  const EndTransactionAnswer answer = client_->EndTransaction(
      prepared.transactional_id, prepared.marker.producer, TransactionResult::kCommit, kTimeout);
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kDone) << answer.detail;
  GroupOffset after;
  for (int i = 0; i < 100 && after.kind != GroupOffset::Kind::kValue; ++i) {
    after = *client_->FetchOffset(prepared.transactional_id, at, {true}, kTimeout);
  }
  EXPECT_EQ(after.metadata, prepared.marker.Encode());
  EXPECT_EQ(after.offset, 1);
  EXPECT_THAT(Read(cluster(), topic_, 2), ElementsAre("prepared 1", "prepared 2"));
  const auto headers = client_->ReadBatchHeaders(
      at, {prepared.ranges.at(0).first_offset, prepared.ranges.at(0).last_offset + 1}, kTimeout);
  ASSERT_TRUE(headers.ok()) << headers.status();
  ASSERT_FALSE(headers->headers.empty());
  EXPECT_EQ(headers->headers[0].producer_id, prepared.marker.producer.producer_id);
}

TEST_F(KafkaTransactionalWriterTest, DestructionLeavesAnOpenTransactionOpen) {
  CreateTopic(1);
  WriterRun run(RunOptions());
  run.Write({"a"});
  EXPECT_THAT(Read(cluster(), topic_, 1, KafkaIsolation::kReadUncommitted), ElementsAre("a"));
  run.Destroy();
  const auto open = client_->ListTransactions({TransactionState::kOngoing}, kTimeout);
  ASSERT_TRUE(open.ok()) << open.status();
  const auto ours = [this](const ListedTransaction& each) {
    return TransactionalId::Parse(each.transactional_id, topic_ + "~prefix").has_value();
  };
  EXPECT_EQ(std::count_if(open->begin(), open->end(), ours), 1);
}

TEST_F(KafkaTransactionalWriterTest, AMissingTopicIsNamed) {
  WriterRun::Options options = RunOptions();
  options.properties.Set("allow.auto.create.topics", "false");
  WriterRun run(options);
  ASSERT_TRUE(run.AwaitRoom());
  const absl::Status status = run.writer().Write(StringBatch({"a"}));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(topic_));
}

TEST_F(KafkaTransactionalWriterTest, ATimeoutAboveTheBrokersIsRefusedWithASentence) {
  CreateTopic(1);
  WriterRun::Options options = RunOptions();
  options.transaction_timeout = absl::Hours(24);
  WriterRun run(options);
  ASSERT_TRUE(run.AwaitRoom());
  const absl::Status status = run.writer().Write(StringBatch({"a"}));
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("timeout")) << status;
}

TEST_F(KafkaTransactionalWriterTest, EpochsFiveTimesASecondUseTheirHandlesAgain) {
  CreateTopic(2);
  WriterRun run(RunOptions());
  std::set<std::string> ids;
  std::vector<std::string> written;
  std::vector<absl::Duration> prepare, commit;
  constexpr uint64_t kEpochs = 25;
  for (uint64_t epoch = 1; epoch <= kEpochs; ++epoch) {
    const absl::Duration begin = run.clock().Monotonic();
    for (int i = 0; i < 10; ++i) {
      const std::string value = absl::StrCat(epoch, "/", i);
      run.Write({value});
      written.push_back(value);
    }
    const absl::Duration barrier = run.clock().Monotonic();
    for (const Committable& each : run.Prepare(epoch)) ids.insert(each.transactional_id);
    const absl::Duration permit = run.clock().Monotonic();
    ASSERT_EQ(run.Commit(epoch), absl::OkStatus());
    run.writer().OnReceipt(Epoch(epoch));
    const absl::Duration end = run.clock().Monotonic();
    prepare.push_back(permit - barrier);
    commit.push_back(end - permit);
    run.Pause(begin + absl::Milliseconds(200) - end);
  }
  const auto median = [](std::vector<absl::Duration>& all) {
    std::sort(all.begin(), all.end());
    return absl::FormatDuration(all[all.size() / 2]) + ", at most " +
           absl::FormatDuration(all.back());
  };
  RecordProperty("prepare", median(prepare));
  RecordProperty("commit", median(commit));
  std::cout << "prepare " << median(prepare) << "; commit " << median(commit) << "\n";
  EXPECT_LE(ids.size(), 3u);
  std::vector<std::string> read = Read(cluster(), topic_, written.size());
  std::sort(read.begin(), read.end());
  std::sort(written.begin(), written.end());
  EXPECT_EQ(read, written);
}

// Clusters of their own, since their broker is stopped.

TEST(KafkaTransactionalWriterBrokerTest, ACommitWaitsForABrokerThatComesBack) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  auto cluster = KafkaCluster::Start({});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("out", 1).ok());
  WriterRun run({(*cluster)->bootstrap_servers(), "out", "p"});
  run.Write({"a", "b"});
  ASSERT_EQ(run.Prepare(1).size(), 1u);
  ASSERT_TRUE((*cluster)->KillBroker(1).ok());
  run.StartCommit(1);
  EXPECT_EQ(run.AwaitCommit(absl::Seconds(2)).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE((*cluster)->RestartBroker(1).ok());
  EXPECT_EQ(run.AwaitCommit(), absl::OkStatus());
  EXPECT_THAT(Read(**cluster, "out", 2), ElementsAre("a", "b"));
}

TEST(KafkaTransactionalWriterBrokerTest, AHandleWhoseEndTxnGotNoAnswerIsNotUsedAgain) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  auto cluster = KafkaCluster::Start({});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("out", 1).ok());
  WriterRun::Options options{(*cluster)->bootstrap_servers(), "out", "p"};
  options.properties.Set("socket.timeout.ms", "2000");
  WriterRun run(options);
  run.Write({"a"});
  const std::vector<Committable> committables = run.Prepare(1);
  ASSERT_EQ(committables.size(), 1u);
  pid_t broker = 0;
  std::ifstream((*cluster)->folder() + "/broker-1/pid") >> broker;
  ASSERT_GT(broker, 0);
  ASSERT_EQ(kill(broker, SIGSTOP), 0);
  run.Pause(absl::Milliseconds(200));  // its threads stop one after the other
  run.StartCommit(1);
  EXPECT_EQ(run.AwaitCommit(absl::Seconds(5)).code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_EQ(kill(broker, SIGCONT), 0);
  EXPECT_EQ(run.AwaitCommit(), absl::OkStatus());
  run.writer().OnReceipt(Epoch(1));
  for (uint64_t epoch = 2; epoch < 8; ++epoch) {
    run.Write({absl::StrCat(epoch)});
    for (const Committable& each : run.Prepare(epoch)) {
      EXPECT_NE(each.transactional_id, committables[0].transactional_id);
    }
    ASSERT_EQ(run.Commit(epoch), absl::OkStatus());
    run.writer().OnReceipt(Epoch(epoch));
  }
  EXPECT_THAT(Read(**cluster, "out", 7), ElementsAre("a", "2", "3", "4", "5", "6", "7"));
}

// Bytes that have come to this port and that nobody has read: of sockets in /proc/net.
bool HasUnreadBytes(int port) {
  const std::string local = absl::StrFormat(":%04X ", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      // "sl local_address remote_address st tx_queue:rx_queue ..."
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.size() < 5 || !absl::EndsWith(absl::StrCat(words[1], " "), local)) continue;
      if (words[3] == "01" && !absl::EndsWith(words[4], ":00000000")) return true;
    }
  }
  return false;
}

TEST(WireTransactionClientBrokerTest, AMarkerWhoseAnswerWasLostIsToldOf) {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  auto cluster = KafkaCluster::Start({});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_TRUE((*cluster)->CreateTopic("out", 1).ok());
  const std::string& brokers = (*cluster)->bootstrap_servers();
  const SystemClock clock;
  const auto client =
      MakeWireTransactionClient({ClientKind::kProducer, {{"bootstrap.servers", brokers}}}, clock);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto producer = (*client)->InitProducerId("id", absl::Minutes(1), kTimeout);
  ASSERT_TRUE(producer.ok()) << producer.status();
  const TransactionOffset first{"id", {"out", 0}, 0, "first"};
  WriteOffsetAnswer written = (*client)->WriteOffset("id", *producer, first, kTimeout);
  ASSERT_TRUE(written.detail.ok()) << written.detail;
  EXPECT_EQ(written.unanswered_requests, 0);

  ASSERT_TRUE((*cluster)->FreezeBroker(1).ok());
  const TransactionOffset second{"id", {"out", 0}, 1, "second"};
  std::thread writer(
      [&] { written = (*client)->WriteOffset("id", *producer, second, absl::Seconds(50)); });
  const absl::Duration deadline = clock.Monotonic() + kTimeout;
  const int port = std::stoi(brokers.substr(brokers.find(':') + 1));
  while (!HasUnreadBytes(port) && clock.Monotonic() < deadline) std::this_thread::yield();
  EXPECT_TRUE(HasUnreadBytes(port));
  EXPECT_TRUE((*cluster)->KillBroker(1).ok());
  EXPECT_TRUE((*cluster)->RestartBroker(1).ok());
  writer.join();
  EXPECT_TRUE(written.detail.ok()) << written.detail;
  EXPECT_GT(written.unanswered_requests, 0);
}

}  // namespace
}  // namespace weir::kafka

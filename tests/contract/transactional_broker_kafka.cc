// The suite on real Kafka, with the wire client and librdkafka's producer.
#include <utility>

#include "common/exec/retry_wait.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"
#include "tests/contract/transactional_broker_test.h"
#include "tests/support/kafka/kafka_test.h"

namespace weir::kafka {
namespace {

/// On the cluster that all tests of the program share, or on one of its own.
class RealBroker final : public TransactionalBrokerUnderTest {
 public:
  explicit RealBroker(KafkaCluster& cluster) : cluster_(cluster) { Connect(); }
  explicit RealBroker(std::unique_ptr<KafkaCluster> cluster)
      : own_(std::move(cluster)), cluster_(*own_) {
    Connect();
  }

  TransactionClient& client() override { return *client_; }
  std::unique_ptr<KafkaTransactionalProducer> MakeProducer(const std::string& topic,
                                                           const std::string& id,
                                                           absl::Duration timeout) override {
    TransactionalProducerOptions options;
    options.configuration.kind = ClientKind::kProducer;
    const std::string timeout_ms = absl::StrCat(absl::ToInt64Milliseconds(timeout));
    options.configuration.values = {{"bootstrap.servers", cluster_.bootstrap_servers()},
                                    {"transactional.id", id},
                                    {"transaction.timeout.ms", timeout_ms},
                                    {"delivery.timeout.ms", timeout_ms},
                                    {"socket.timeout.ms", timeout_ms},
                                    {"retry.backoff.ms", "20"}};
    options.topic = topic;
    options.wakeup = [] {};
    options.cancelled = std::make_shared<std::atomic<bool>>(false);
    auto producer = RdKafkaClients()->MakeTransactionalProducer(options);
    EXPECT_TRUE(producer.ok()) << producer.status();
    return *std::move(producer);
  }
  absl::Status CreateTopic(const std::string& topic) override {
    if (own_ == nullptr) return cluster_.CreateTopic(topic, 2);
    // One replica, so that a lost broker is a lost leader.
    auto topics = TopicClient::Connect(cluster_.bootstrap_servers());
    if (!topics.ok()) return topics.status();
    return (*topics)->CreateTopic(topic, 2, /*replication_factor=*/1);
  }
  absl::Status Append(const TopicPartition& partition, const std::string& value) override {
    KafkaTestRecord record;
    record.value = value;
    record.partition = partition.partition;
    return cluster_.Produce(partition.topic, {record});
  }
  std::vector<std::string> ReadCommitted(const std::string& topic, int64_t count) override {
    KafkaReadOptions read;
    read.count = count;
    read.quiet = absl::Seconds(20);
    const auto records = cluster_.ConsumeAll(topic, read);
    EXPECT_TRUE(records.ok()) << records.status();
    std::vector<std::string> values;
    if (!records.ok()) return values;
    for (const KafkaTestRecord& record : *records) values.push_back(record.value.value_or("null"));
    return values;
  }
  void Pass(absl::Duration duration) override { wait_.Wait(duration); }
  // Of two brokers; coordinators move to the other one.
  absl::Status LoseALeader(const std::string&) override { return cluster_.KillBroker(2); }
  absl::Status BringLeaderBack() override { return cluster_.RestartBroker(2); }

 private:
  void Connect() {
    auto client = MakeWireTransactionClient(
        {ClientKind::kProducer, {{"bootstrap.servers", cluster_.bootstrap_servers()}}}, clock_);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<KafkaCluster> own_;
  KafkaCluster& cluster_;
  SystemClock clock_;
  ThreadRetryWait wait_;
  std::shared_ptr<TransactionClient> client_;
};

/// The way to the cluster that tests share.
class SharedCluster final : public KafkaTest {
 public:
  static std::unique_ptr<TransactionalBrokerUnderTest> Use() {
    if (!ReasonToSkipKafka().empty()) return nullptr;
    SharedCluster shared;
    shared.SetUp();
    if (HasFatalFailure()) return nullptr;
    return std::make_unique<RealBroker>(cluster());
  }

 private:
  void TestBody() override {}
};

std::unique_ptr<TransactionalBrokerUnderTest> MakeOwn() {
  if (!ReasonToSkipKafka().empty()) return nullptr;
  KafkaClusterOptions options;
  options.brokers = 2;
  auto cluster = KafkaCluster::Start(options);
  EXPECT_TRUE(cluster.ok()) << cluster.status();
  if (!cluster.ok()) return nullptr;
  return std::make_unique<RealBroker>(*std::move(cluster));
}

INSTANTIATE_TEST_SUITE_P(Kafka, TransactionalBrokerTest,
                         testing::Values(TransactionalBrokerKind{"Kafka", &SharedCluster::Use,
                                                                 &MakeOwn}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace weir::kafka

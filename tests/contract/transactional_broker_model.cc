// The suite on the simulator's model of the brokers.
#include <utility>

#include "common/base/seeded_random.h"
#include "tests/contract/transactional_broker_test.h"
#include "tests/sim/broker/immediate_link.h"
#include "tests/sim/broker/model_kafka_clients.h"
#include "tests/sim/broker/model_transaction_client.h"

namespace weir::kafka {
namespace {

class ModelBroker final : public TransactionalBrokerUnderTest {
 public:
  ModelBroker()
      : random_(1),
        broker_(BrokerOptions()),
        link_(time_),
        client_(broker_, link_),
        clients_(broker_, link_) {}

  TransactionClient& client() override { return client_; }
  std::unique_ptr<KafkaTransactionalProducer> MakeProducer(const std::string& topic,
                                                           const std::string& id,
                                                           absl::Duration timeout) override {
    TransactionalProducerOptions options;
    options.configuration.values["transactional.id"] = id;
    options.configuration.values["transaction.timeout.ms"] =
        absl::StrCat(absl::ToInt64Milliseconds(timeout));
    options.topic = topic;
    options.wakeup = [] {};
    options.cancelled = std::make_shared<std::atomic<bool>>(false);
    return *clients_.MakeTransactionalProducer(options);
  }
  absl::Status CreateTopic(const std::string& topic) override {
    broker_.CreateTopic(topic, 2);
    return absl::OkStatus();
  }
  absl::Status Append(const TopicPartition& partition, const std::string& value) override {
    sim::PartitionLog* log = nullptr;
    if (broker_.Log(partition, &log) != KafkaError::kNone) return absl::UnavailableError("");
    log->AppendPlain({{std::nullopt, value, 0}});
    return absl::OkStatus();
  }
  std::vector<std::string> ReadCommitted(const std::string& topic, int64_t count) override {
    Pass(absl::Seconds(1));  // as a reader does, who waits for more
    std::vector<std::string> values;
    for (int32_t partition = 0; partition < broker_.Partitions(topic); ++partition) {
      const sim::PartitionLog& log = broker_.partitions().at({topic, partition});
      for (const sim::ReadRecord& record : log.Read(sim::PartitionLog::Isolation::kReadCommitted, 0,
                                                    log.offsets().high_watermark)) {
        values.push_back(*record.record.value);
      }
    }
    // All of them, so that too many show.
    EXPECT_LE(static_cast<int64_t>(values.size()), count);
    return values;
  }
  void Pass(absl::Duration duration) override {
    time_.Pass(duration);
    broker_.Advance();
  }
  absl::Status LoseALeader(const std::string& topic) override {
    broker_.TakeLeaderAway({topic, 1}, absl::InfiniteDuration());
    const absl::Duration moved = time_.now() + absl::Seconds(2);
    for (size_t i = 0; i < sim::TransactionBroker::kCoordinators; ++i) {
      broker_.TakeCoordinatorAway(i, moved);
    }
    for (int32_t i = 0; i < sim::TransactionBroker::kOffsetsPartitions; ++i) {
      broker_.TakeLeaderAway({sim::TransactionBroker::kOffsetsTopic, i}, moved);
    }
    return absl::OkStatus();
  }
  absl::Status BringLeaderBack() override {
    broker_.Heal();
    return absl::OkStatus();
  }

 private:
  sim::TransactionBroker::Options BrokerOptions() {
    sim::TransactionBroker::Options options;
    options.now = [this] { return time_.now(); };
    options.random = &random_;
    return options;
  }

  sim::ManualTime time_;
  SeededRandom random_;
  sim::TransactionBroker broker_;
  sim::ImmediateLink link_;
  sim::ModelTransactionClient client_;
  sim::ModelKafkaClients clients_;
};

std::unique_ptr<TransactionalBrokerUnderTest> MakeModel() {
  return std::make_unique<ModelBroker>();
}

INSTANTIATE_TEST_SUITE_P(Model, TransactionalBrokerTest,
                         testing::Values(TransactionalBrokerKind{"Model", MakeModel, MakeModel}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace weir::kafka

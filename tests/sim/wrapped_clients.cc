#include "tests/sim/wrapped_clients.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/stored_record_reader.h"

namespace weir::sim {
namespace {

class WrappedClients final : public kafka::KafkaClientFactory {
 public:
  WrappedClients(std::shared_ptr<const KafkaClientFactory> clients, ProducerWrapper wrapper)
      : clients_(std::move(clients)), wrapper_(std::move(wrapper)) {}

  absl::Status CheckConfiguration(const kafka::ClientConfiguration& configuration) const override {
    return clients_->CheckConfiguration(configuration);
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaConsumerClient>> MakeConsumer(
      const kafka::ClientConfiguration& configuration,
      std::function<void()> wakeup) const override {
    return clients_->MakeConsumer(configuration, std::move(wakeup));
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaProducerClient>> MakeProducer(
      const kafka::ClientConfiguration& configuration, const std::string& topic,
      std::function<void()> wakeup) const override {
    return clients_->MakeProducer(configuration, topic, std::move(wakeup));
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaTransactionalProducer>> MakeTransactionalProducer(
      const kafka::TransactionalProducerOptions& options) const override {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<kafka::KafkaTransactionalProducer> producer,
                          clients_->MakeTransactionalProducer(options));
    return wrapper_(std::move(producer), options);
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaAdminClient>> MakeAdmin(
      const kafka::ClientConfiguration& configuration,
      absl::Duration request_timeout) const override {
    return clients_->MakeAdmin(configuration, request_timeout);
  }
  absl::StatusOr<std::unique_ptr<kafka::StoredRecordReader>> MakeRecordReader(
      const kafka::ClientConfiguration& configuration) const override {
    return clients_->MakeRecordReader(configuration);
  }

 private:
  const std::shared_ptr<const KafkaClientFactory> clients_;
  const ProducerWrapper wrapper_;
};

}  // namespace

std::shared_ptr<const kafka::KafkaClientFactory> WrapClients(
    std::shared_ptr<const kafka::KafkaClientFactory> clients, ProducerWrapper wrapper) {
  return std::make_shared<WrappedClients>(std::move(clients), std::move(wrapper));
}

}  // namespace weir::sim

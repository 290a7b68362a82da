#pragma once

#include <functional>
#include <memory>
#include <string>

#include "connectors/kafka/kafka_client.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/broker/transaction_broker.h"

namespace weir::sim {

/// Makes transactional producers and record readers of the model for one process; the other clients
/// are UNIMPLEMENTED. Broker and link outlive what it makes.
class ModelKafkaClients final : public kafka::KafkaClientFactory {
 public:
  ModelKafkaClients(TransactionBroker& broker, BrokerLink& link) : broker_(broker), link_(link) {}

  absl::Status CheckConfiguration(const kafka::ClientConfiguration&) const override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaTransactionalProducer>> MakeTransactionalProducer(
      const kafka::TransactionalProducerOptions& options) const override;
  absl::StatusOr<std::unique_ptr<kafka::StoredRecordReader>> MakeRecordReader(
      const kafka::ClientConfiguration& configuration) const override;
  absl::StatusOr<std::unique_ptr<kafka::KafkaConsumerClient>> MakeConsumer(
      const kafka::ClientConfiguration&, std::function<void()>) const override {
    return absl::UnimplementedError("the model of the broker has no consumers");
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaProducerClient>> MakeProducer(
      const kafka::ClientConfiguration&, const std::string&, std::function<void()>) const override {
    return absl::UnimplementedError("the model of the broker has transactional producers only");
  }
  absl::StatusOr<std::unique_ptr<kafka::KafkaAdminClient>> MakeAdmin(
      const kafka::ClientConfiguration&, absl::Duration) const override {
    return absl::UnimplementedError("the model of the broker has no admin client");
  }

 private:
  TransactionBroker& broker_;
  BrokerLink& link_;
};

}  // namespace weir::sim

#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/transactional_producer.h"

namespace weir::sim {

/// A producer that does what another one does, but for what is overridden.
class WrappedProducer : public kafka::KafkaTransactionalProducer {
 public:
  explicit WrappedProducer(std::unique_ptr<KafkaTransactionalProducer> producer)
      : producer_(std::move(producer)) {}

  absl::Status Begin(kafka::TransactionDeliveryListener& listener) override {
    return producer_->Begin(listener);
  }
  absl::StatusOr<size_t> Produce(std::span<const kafka::OutgoingMessage> messages) override {
    return producer_->Produce(messages);
  }
  absl::Status Poll() override { return producer_->Poll(); }
  absl::Status Init(absl::Duration timeout) override { return producer_->Init(timeout); }
  absl::Status Flush(absl::Duration timeout) override { return producer_->Flush(timeout); }
  absl::Status Commit(absl::Duration timeout) override { return producer_->Commit(timeout); }
  bool repeated() const override { return producer_->repeated(); }

 private:
  const std::unique_ptr<KafkaTransactionalProducer> producer_;
};

/// Wraps a transactional producer that was just made with these options.
using ProducerWrapper = std::function<std::unique_ptr<kafka::KafkaTransactionalProducer>(
    std::unique_ptr<kafka::KafkaTransactionalProducer> producer,
    const kafka::TransactionalProducerOptions& options)>;

/// Clients whose transactional producers are wrapped.
std::shared_ptr<const kafka::KafkaClientFactory> WrapClients(
    std::shared_ptr<const kafka::KafkaClientFactory> clients, ProducerWrapper wrapper);

}  // namespace weir::sim

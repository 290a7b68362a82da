#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/kafka/transactional/transactional_producer.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/broker/transaction_broker.h"

namespace weir::sim {

/// A transactional producer of the model that behaves as librdkafka's does: records go out in the
/// background, in order within a partition, one batch at a time; requests are repeated until they
/// have an answer; an empty transaction is committed without a request. Broker and link outlive it.
class ModelTransactionalProducer final : public kafka::KafkaTransactionalProducer {
 public:
  /// Messages that may wait for their acknowledgement.
  static constexpr size_t kQueue = 64;

  ModelTransactionalProducer(TransactionBroker& broker, BrokerLink& link,
                             kafka::TransactionalProducerOptions options);
  ~ModelTransactionalProducer() override;

  absl::Status Begin(kafka::TransactionDeliveryListener& listener) override;
  absl::StatusOr<size_t> Produce(std::span<const kafka::OutgoingMessage> messages) override;
  absl::Status Poll() override;
  absl::Status Init(absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  absl::Status Commit(absl::Duration timeout) override;
  bool repeated() const override;

 private:
  class Sender;

  BrokerCall MakeCall(const std::string& what, absl::Duration timeout) const;
  // Waits for the answer; what is no verdict of the broker leaves the producer as it was.
  absl::Status Do(BrokerCall call, bool* repeated = nullptr);
  // Of a request that would change, or end, a later transaction if it were executed late.
  absl::Status DoWatched(BrokerCall call);

  TransactionBroker& broker_;
  BrokerLink& link_;
  const kafka::TransactionalProducerOptions options_;
  const std::shared_ptr<Sender> sender_;  // requests on their way keep it
  kafka::TransactionDeliveryListener* listener_ = nullptr;
};

}  // namespace weir::sim

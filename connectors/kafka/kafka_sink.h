#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/connector/sink.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/kafka_sink_options.h"

namespace weir::kafka {

class TransactionStepObserver;

/// The Kafka sink; see Sink. `input` is the schema of the records it is typed for; the stream's own
/// schema must equal it. `steps` is told of the steps of its transactions; the product gives none.
class KafkaSink final : public Sink {
 public:
  KafkaSink(KafkaSinkOptions options, SchemaPtr input,
            std::shared_ptr<const KafkaClientFactory> clients,
            std::shared_ptr<TransactionStepObserver> steps = nullptr);

  std::string type() const override { return "KafkaSink"; }
  std::map<std::string, std::string> Describe() const override;
  DeliveryGuarantee delivery() const override { return options_.delivery; }
  absl::Status Validate(const Schema& input) const override;
  /// NOT_FOUND naming topic and brokers.
  absl::StatusOr<std::vector<std::string>> CheckTarget() const override;
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(
      const SinkWriterContext& context) const override;
  /// Null unless delivery is exactly once.
  absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const override;
  absl::StatusOr<std::unique_ptr<SinkTransactions>> MakeTransactions() const override;
  /// Null unless it is for dead letters.
  absl::StatusOr<std::unique_ptr<DeadLetterBox>> MakeDeadLetterBox(
      const DeadLetterOrigin& origin) const override;
  absl::Duration transaction_timeout() const override;

 private:
  const KafkaSinkOptions options_;
  const SchemaPtr input_;
  const std::shared_ptr<const KafkaClientFactory> clients_;
  const std::shared_ptr<TransactionStepObserver> steps_;
};

}  // namespace weir::kafka

#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "connectors/kafka/transactional/transactional_producer.h"

namespace weir::kafka {

/// A transactional producer on librdkafka. See KafkaTransactionalProducer.
absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeRdKafkaTransactionalProducer(
    const TransactionalProducerOptions& options);

}  // namespace weir::kafka

#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// A consumer on librdkafka: partitions are assigned, never subscribed to, and all messages come
/// through one queue, a thousand at a time. See KafkaConsumerClient.
absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeRdKafkaConsumer(
    const ClientConfiguration& configuration, std::function<void()> wakeup);

}  // namespace weir::kafka

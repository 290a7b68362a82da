#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// A producer on librdkafka for one topic. See KafkaProducerClient.
absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeRdKafkaProducer(
    const ClientConfiguration& configuration, const std::string& topic,
    std::function<void()> wakeup);

}  // namespace weir::kafka

#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// Metadata and offsets through a librdkafka consumer that never consumes. See KafkaAdminClient.
absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeRdKafkaAdmin(
    const ClientConfiguration& configuration, absl::Duration request_timeout);

/// The clients of librdkafka.
std::shared_ptr<const KafkaClientFactory> RdKafkaClients();

}  // namespace weir::kafka

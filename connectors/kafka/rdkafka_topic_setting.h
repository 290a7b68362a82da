#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/rdkafka_handle.h"

namespace weir::kafka {

/// One of a topic's settings ("cleanup.policy"), its default included, by DescribeConfigs.
/// Threads: one at a time per handle; blocks for up to `timeout`.
/// Errors: PERMISSION_DENIED without the right to describe configurations; NOT_FOUND for a setting
/// that the broker does not have; UNAVAILABLE and others of the connection.
absl::StatusOr<std::string> DescribeTopicSetting(RdKafkaHandle& handle, const std::string& topic,
                                                 const std::string& name, absl::Duration timeout);

}  // namespace weir::kafka

#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_properties.h"
#include "connectors/kafka/kafka_source_options.h"

namespace weir::kafka {

/// KafkaSourceOptions, checked and translated: what enumerator and readers work with.
struct ResolvedSourceOptions {
  KafkaSourceOptions options;
  RecordFormat value_format;
  ClientConfiguration configuration;  // without client.id
  std::string client_id_prefix;       // "" for none
  bool commit_offsets = false;        // a group.id was given
  size_t max_poll_records = 0;
  absl::Duration discovery_interval;
};

/// INVALID_ARGUMENT with everything that is wrong in one sentence. Needs no connection.
absl::StatusOr<ResolvedSourceOptions> ResolveSourceOptions(const KafkaSourceOptions& options);

/// What PartitionedBy declares of the source's one topic; nothing where that is not valid.
std::optional<TopicPartitioning> PartitioningOf(const KafkaSourceOptions& options);

/// In words: "earliest", "timestamp 1700000000000", "flights-0:42, flights-1:7".
std::string DescribeOffsets(const Offsets& offsets);

}  // namespace weir::kafka

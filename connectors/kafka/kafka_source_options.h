#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/connector/topic_partitioning.h"
#include "common/types/schema.h"
#include "connectors/kafka/kafka_offsets.h"
#include "connectors/kafka/properties.h"
#include "connectors/kafka/record_format.h"

namespace weir::kafka {

/// A Kafka source as the job author wrote it. Nothing is checked before it is resolved
/// (resolved_source_options.h). Light: job authors' programs include it.
struct KafkaSourceOptions {
  Properties properties;
  // Exactly one of these three.
  std::vector<std::string> topics;
  std::string topic_pattern;  // ECMAScript, must match the whole name
  std::vector<TopicPartition> partitions;
  Offsets starting_offsets = Offsets::Earliest();
  std::optional<Offsets> stopping_offsets;
  bool bounded = false;             // false with stopping offsets: a streaming job that ends
  RecordFormat value_format;        // not chosen: value.deserializer
  SchemaPtr schema;                 // of the records
  KeyPartitionerPtr partitioner;    // null: nothing is known of where keys are
  int64_t declared_partitions = 0;  // with it
};

}  // namespace weir::kafka

#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir::kafka {

/// String.hashCode() of Java, for strings of ASCII characters (all topic names are).
int32_t JavaStringHash(absl::string_view text);

/// org.apache.kafka.common.utils.Utils.murmur2.
int32_t Murmur2(absl::string_view bytes);

/// The partition that Java's default partitioner gives to a record with this (serialized) key:
/// toPositive(murmur2(key)) % partitions. `partitions` > 0.
int32_t PartitionForKey(absl::string_view key, int32_t partitions);

/// The subtask that reads a partition: Flink's KafkaSourceEnumerator.getSplitOwner. The partitions
/// of a topic go round robin over the subtasks, from a start that depends on the topic.
uint32_t OwnerOfPartition(absl::string_view topic, int32_t partition, uint32_t parallelism);

}  // namespace weir::kafka

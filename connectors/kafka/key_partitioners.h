#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/connector/topic_partitioning.h"

namespace weir::kafka {

/// Java's clients, and librdkafka's partitioners "murmur2" and "murmur2_random":
/// (murmur2(key) & 0x7fffffff) % partitions. (Records without a key are in any partition.)
KeyPartitionerPtr Murmur2Partitioner();

/// librdkafka's partitioners "consistent" and "consistent_random", its default, and clients on top
/// of it: crc32(key) % partitions. (By the latter, records with an empty key are in any partition,
/// too.)
KeyPartitionerPtr Crc32Partitioner();

/// What the producers of a topic do themselves. `partition_of` gives a number below `partitions`,
/// always the same for the same arguments, and is called from several threads. `name` stands for it
/// in checkpoints: a job with another one does not start from them. An empty name and no function
/// are refused when the job is planned.
KeyPartitionerPtr DeclaredPartitioner(
    std::string name,
    std::function<uint32_t(std::string_view key, uint32_t partitions)> partition_of);

}  // namespace weir::kafka

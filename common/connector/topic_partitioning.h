#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

/// Where the producers of a topic put a record, by its key. Threads: immutable, thread-safe.
class KeyPartitioner {
 public:
  virtual ~KeyPartitioner() = default;
  /// "murmur2": in plans, checkpoints and messages. Two of one name are taken for the same
  /// function.
  virtual std::string name() const = 0;
  /// Appends the partitions of records with these bytes as their keys. `partitions` > 0; what is
  /// not below it fails the job.
  virtual void PartitionsOf(std::span<const absl::string_view> keys, uint32_t partitions,
                            std::vector<uint32_t>& out) const = 0;
  uint32_t PartitionOf(absl::string_view key, uint32_t partitions) const {
    std::vector<uint32_t> one;
    PartitionsOf({&key, 1}, partitions, one);
    return one.front();
  }
};
using KeyPartitionerPtr = std::shared_ptr<const KeyPartitioner>;

/// How a topic is partitioned, as the job's author declares it: the partition of every record is
/// what `partitioner` says of its key. docs/protocols/partition-aligned-keying.md.
struct TopicPartitioning {
  std::string topic;
  uint32_t partitions = 0;
  KeyPartitionerPtr partitioner = {};
};

}  // namespace weir

#include "connectors/kafka/java_partitioning.h"

#include <cstddef>

namespace weir::kafka {

int32_t JavaStringHash(absl::string_view text) {
  uint32_t hash = 0;
  for (const char c : text) hash = 31 * hash + static_cast<unsigned char>(c);
  return static_cast<int32_t>(hash);
}

// After Utils.murmur2 of Apache Kafka (clients/src/main/java/org/apache/kafka/common/utils), which
// reads the words little-endian.
int32_t Murmur2(absl::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  const auto byte = [&](size_t at) {
    return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at]));
  };
  const size_t length = bytes.size();
  uint32_t hash = kSeed ^ static_cast<uint32_t>(length);
  size_t at = 0;
  for (; at + 4 <= length; at += 4) {
    uint32_t word = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  switch (length - at) {
    case 3:
      hash ^= byte(at + 2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= byte(at + 1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= byte(at);
      hash *= kMultiplier;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

int32_t PartitionForKey(absl::string_view key, int32_t partitions) {
  return static_cast<int32_t>(static_cast<uint32_t>(Murmur2(key)) & 0x7fffffff) % partitions;
}

uint32_t OwnerOfPartition(absl::string_view topic, int32_t partition, uint32_t parallelism) {
  const uint32_t spread = static_cast<uint32_t>(JavaStringHash(topic)) * 31;
  const uint32_t start = (spread & 0x7fffffff) % parallelism;
  return (start + static_cast<uint32_t>(partition)) % parallelism;
}

}  // namespace weir::kafka

#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace weir::kafka {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// What to do where a group has committed nothing.
enum class OffsetReset { kNone, kEarliest, kLatest };

/// Where in each partition to start, or to stop (Flink's OffsetsInitializer). Everything becomes a
/// number once, in the enumerator, so a restart before the first checkpoint skips nothing.
///
///   Earliest    the oldest record still there
///   Latest      behind the last record at that moment; with isolation.level=read_committed that is
///               the last stable offset
///   Committed   what group.id has committed; elsewhere `reset`, and kNone is an error
///   Timestamp   the first record of that time or later; behind the last one when there is none
///   Specific    these offsets; partitions that are not listed start at the earliest, or, as
///               stopping offsets, are not read
class Offsets {
 public:
  enum class Kind { kEarliest, kLatest, kCommitted, kTimestamp, kSpecific };

  static Offsets Earliest() { return Offsets(Kind::kEarliest); }
  static Offsets Latest() { return Offsets(Kind::kLatest); }
  static Offsets Committed(OffsetReset reset = OffsetReset::kNone) {
    Offsets offsets(Kind::kCommitted);
    offsets.reset_ = reset;
    return offsets;
  }
  /// Milliseconds since the epoch, as in Kafka's records.
  static Offsets Timestamp(int64_t timestamp_ms) {
    Offsets offsets(Kind::kTimestamp);
    offsets.timestamp_ms_ = timestamp_ms;
    return offsets;
  }
  static Offsets Specific(std::map<TopicPartition, int64_t> by_partition) {
    Offsets offsets(Kind::kSpecific);
    offsets.by_partition_ = std::move(by_partition);
    return offsets;
  }

  Kind kind() const { return kind_; }
  OffsetReset reset() const { return reset_; }
  int64_t timestamp_ms() const { return timestamp_ms_; }
  const std::map<TopicPartition, int64_t>& by_partition() const { return by_partition_; }

 private:
  explicit Offsets(Kind kind) : kind_(kind) {}

  Kind kind_;
  OffsetReset reset_ = OffsetReset::kNone;
  int64_t timestamp_ms_ = 0;
  std::map<TopicPartition, int64_t> by_partition_;
};

}  // namespace weir::kafka

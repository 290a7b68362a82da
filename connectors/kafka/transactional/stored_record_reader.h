#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// A record as it lies in a partition, committed or not. Views into the reader's memory.
struct StoredRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = -1;  // -1: the record has none
  Payload key;
  Payload value;
  const MessageHeaders* headers = nullptr;  // null: none
};

/// Reads stretches of partitions, with what is uncommitted and aborted in them.
///
/// Threads: one at a time, of a BlockingPool.
/// Errors: those of KafkaConsumerClient; DEADLINE_EXCEEDED when nothing came for `timeout`.
class StoredRecordReader {
 public:
  virtual ~StoredRecordReader() = default;
  /// Some records, in order of their offsets; an error ends the reading.
  using Visitor = std::function<absl::Status(std::span<const StoredRecord>)>;
  /// All records with an offset in [first, last] that are still there.
  virtual absl::Status Read(const TopicPartition& partition, int64_t first, int64_t last,
                            absl::Duration timeout, const Visitor& visitor) = 0;
};

}  // namespace weir::kafka

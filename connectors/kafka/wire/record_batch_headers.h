#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir::kafka {

/// What stands in front of the records of one batch. Source: Kafka's documentation, "Message
/// Format", and org.apache.kafka.common.record.DefaultRecordBatch (magic 2).
struct RecordBatchHeader {
  int64_t base_offset = 0;
  int64_t last_offset = 0;   // inclusive
  int64_t producer_id = -1;  // -1: not idempotent
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t record_count = 0;  // of a compacted batch less than the offsets span
  bool transactional = false;
  /// A commit or abort marker of the transaction coordinator, not records of anybody.
  bool control = false;

  bool operator==(const RecordBatchHeader&) const = default;
};

/// Walks the batches of a Fetch answer, in order, without looking at the records: compression does
/// not matter, and the checksum is not checked.
///
/// A broker cuts the last batch off where the answer is full; such a rest is left out silently. A
/// batch that is there but is not of magic 2, has an impossible length, or does not lie behind the
/// one before it, is DATA_LOSS.
absl::StatusOr<std::vector<RecordBatchHeader>> ReadRecordBatchHeaders(absl::string_view records);

}  // namespace weir::kafka

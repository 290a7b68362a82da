#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/transactional/transaction_marker.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// What one transaction wrote to one partition. The offsets in between may hold records of others:
/// those of the transaction are told by producer id and epoch.
struct WrittenRange {
  int64_t first_offset = -1;
  int64_t last_offset = -1;
  uint64_t count = 0;
  uint64_t checksum = 0;  // sum over the records of RecordChecksum, modulo 2^64
  bool operator==(const WrittenRange&) const = default;
};

/// A prepared transaction, as the checkpoint keeps it: enough to commit it from anywhere, to tell
/// later whether it was, and to publish its records again if it was not.
struct Committable {
  std::string transactional_id;
  std::string topic;
  TransactionMarker marker;  // of this transaction; its producer is the one that wrote
  absl::Time started;        // by the coordinator's clock
  absl::Duration timeout;
  std::map<int32_t, WrittenRange> ranges;  // by partition; never empty

  /// Versioned bytes.
  std::string Encode() const;
  /// DATA_LOSS naming what is wrong; a newer version is FAILED_PRECONDITION.
  static absl::StatusOr<Committable> Decode(const std::string& bytes);
  /// "topic 'out', partition 0 offsets 5 to 9 (5 records), partition 1 ..."
  std::string DescribeRanges() const;
  bool operator==(const Committable&) const = default;
};

}  // namespace weir::kafka

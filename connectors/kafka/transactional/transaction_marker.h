#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// What a transaction leaves behind exactly if it commits: an offset, with this as its metadata, in
/// the group named like its transactional id; docs/protocols/transactions.md. Compared as a whole.
struct TransactionMarker {
  std::string run;  // the JobId
  uint64_t generation = 0;
  Epoch epoch;  // 0: the opening marker
  ProducerIdAndEpoch producer;

  /// One line, with a version; fits into offset.metadata.max.bytes (4096). The offset itself is the
  /// epoch.
  std::string Encode() const;
  /// DATA_LOSS for what this version cannot have written.
  static absl::StatusOr<TransactionMarker> Decode(const std::string& metadata);
  bool operator==(const TransactionMarker&) const = default;
};

}  // namespace weir::kafka

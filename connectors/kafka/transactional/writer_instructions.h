#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir::kafka {

/// What the committer tells the writers of its generation: SinkCommitter::Recover encodes it,
/// SinkWriter::Open reads it.
struct WriterInstructions {
  uint64_t fence = 0;  // of this generation, above 0
  std::string prefix;
  absl::Duration transaction_timeout;  // in whole milliseconds, above 0
  uint64_t generation = 0;             // of the job

  /// Versioned bytes.
  std::string Encode() const;
  /// DATA_LOSS naming what is wrong; a newer version is FAILED_PRECONDITION.
  static absl::StatusOr<WriterInstructions> Decode(const std::string& bytes);
  bool operator==(const WriterInstructions&) const = default;
};

}  // namespace weir::kafka

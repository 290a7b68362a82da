#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "common/formats/format.h"
#include "common/types/batch.h"

namespace weir {

/// A record that a source has read and cannot decode. Views, valid during the call.
struct FailedRecord {
  Payload key;
  Payload value;
  std::string topic;
  int32_t partition = -1;
  int64_t offset = -1;
  int64_t event_time_us = 0;
  std::string reason;  // names fields and positions, never content
};

/// Where a reader or an operator tells of a record that it cannot deal with, and learns what
/// becomes of it: the operator's error policy stands behind it.
///
/// Both calls return OK when the record is dealt with (skipped and counted, or on its way to the
/// dead letters): leave it out and go on. An error (the policy is to fail, or the budget is used
/// up) names operator, position and reason, and is to be returned as it is. Threads: the task's.
/// Lifetime: longer than the reader or operator that is given it.
class RecordErrors {
 public:
  virtual ~RecordErrors() = default;
  virtual absl::Status OnFailedRecord(const FailedRecord& record) = 0;
  /// The row of a batch that a function threw for.
  virtual absl::Status OnFailedRow(const Batch& batch, size_t row, const std::string& reason) = 0;
};

}  // namespace weir

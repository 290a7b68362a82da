#pragma once

#include "absl/status/status.h"

namespace weir {

/// What becomes of a job that an error ends, where the code of the error does not say it.
enum class FailurePolicy {
  kByCode,      // as for all errors
  kFailJob,     // it FAILED: what went wrong would go wrong again
  kMisplaced,   // the same, unless the topic has other partitions by now: then it is SUSPENDED
  kSuspendJob,  // it is SUSPENDED: nobody may go on without a person
  // restart.strategy goes on, also at the first start: what went wrong passes by itself, and more
  // than that is not known to be wrong.
  kRestartJob,
};

/// The same error with this policy. Annotate keeps it; a process that passes on code and message
/// alone does not.
absl::Status WithFailurePolicy(absl::Status status, FailurePolicy policy);

/// kByCode for an error without one.
FailurePolicy FailurePolicyOf(const absl::Status& status);

}  // namespace weir

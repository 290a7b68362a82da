#pragma once

#include "absl/status/status.h"

namespace weir::jobmanager {

/// A client's call that is not over.
class PendingCall {
 public:
  virtual ~PendingCall() = default;
  /// Ends it with UNAVAILABLE, unless it has ended. Any thread.
  virtual void Abandon() = 0;
};

/// What an abandoned call is answered with.
inline absl::Status ShuttingDown() {
  return absl::UnavailableError("the JobManager is shutting down");
}

}  // namespace weir::jobmanager

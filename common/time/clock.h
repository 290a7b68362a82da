#pragma once

#include "absl/time/time.h"

namespace weir {

/// The only source of time. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time; may jump. For display and retention only, never for a timeout.
  virtual absl::Time Now() const = 0;
  /// Never decreases; for timeouts and durations. The origin is arbitrary.
  virtual absl::Duration Monotonic() const = 0;
};

}  // namespace weir

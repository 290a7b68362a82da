#pragma once

#include "common/time/clock.h"

namespace weir {

/// The clock of the machine: CLOCK_REALTIME and CLOCK_MONOTONIC. Thread-safe, no state.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Monotonic() const override;
};

}  // namespace weir

#pragma once

#include "absl/time/time.h"

#include "common/time/clock.h"

namespace weir {

/// Stands still until it is set.
class SettableClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Duration Monotonic() const override { return now_ - absl::UnixEpoch(); }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1000);
};

}  // namespace weir

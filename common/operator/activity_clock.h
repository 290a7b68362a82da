#pragma once

#include "absl/time/time.h"

#include "common/time/clock.h"

namespace weir {

/// How long a task has been able to take rows: it stands still while the task's outputs have no
/// room, while it is held, and while timers fire. What idleness is measured with (Flink's clock of
/// input activity), and the interval of watermarks.
///
/// Life cycle: Use by those who look at it, or it does not go; Advance at the beginning of each
/// step. Threads: the task's. Units: since some moment.
class ActivityClock {
 public:
  void Use() { used_ = true; }
  absl::Duration Now() const { return now_; }

  void Advance(const Clock& clock) {
    if (!used_) return;
    const absl::Duration monotonic = clock.Monotonic();
    if (begun_ && !blocked_) now_ += monotonic - last_;
    begun_ = true;
    last_ = monotonic;
  }
  /// From the last Advance on.
  void SetBlocked(bool blocked) { blocked_ = blocked; }

 private:
  bool used_ = false;
  bool begun_ = false;
  bool blocked_ = false;
  absl::Duration now_ = absl::ZeroDuration();
  absl::Duration last_ = absl::ZeroDuration();
};

}  // namespace weir

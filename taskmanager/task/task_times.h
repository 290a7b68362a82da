#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "absl/time/time.h"

#include "common/exec/mutex.h"

namespace weir::taskmanager {

/// Where a task's time goes. Its host says at the beginning and the end of each step what comes
/// now; all time since the first word is one of the three.
///
/// Threads: any. Units: a monotonic clock's readings. Totals never go back.
class TaskTimes {
 public:
  enum class Kind {
    kBusy,           // in a step, or waits for its slot's turn
    kBackpressured,  // waits for room in an output
    kIdle,           // waits for input or a command
  };
  void Switch(Kind kind, absl::Duration now);

  struct Totals {
    absl::Duration busy;
    absl::Duration backpressured;
    absl::Duration idle;
  };
  /// What runs at present is counted up to `now`.
  Totals At(absl::Duration now) const;

 private:
  mutable Mutex mutex_;
  Kind kind_ WEIR_GUARDED_BY(mutex_) = Kind::kIdle;
  std::optional<absl::Duration> since_ WEIR_GUARDED_BY(mutex_);  // nothing: not begun
  std::array<absl::Duration, 3> totals_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::taskmanager

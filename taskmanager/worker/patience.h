#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/exec/retry_wait.h"
#include "common/time/clock.h"

namespace weir::taskmanager {

/// How the preparation of a generation waits for what passes by itself: brokers that elect leaders,
/// or load a coordinator. See docs/protocols/recovery.md.
struct Patience {
  static constexpr absl::Duration kBound = absl::Minutes(2);
  static constexpr absl::Duration kFirstPause = absl::Seconds(1);
  static constexpr absl::Duration kLongestPause = absl::Seconds(10);

  const Clock* clock = nullptr;               // borrowed; null: nothing is waited for
  std::shared_ptr<RetryWait> wait = nullptr;  // with a clock; cancelled: nobody wants the result
};

/// Calls until there is no error of FailurePolicy::kRestartJob, with growing pauses, for about
/// Patience::kBound. Before each pause it calls `on_progress`: whoever waits goes on waiting. The
/// log has one line when the waiting begins, with `who` ("source 'x'") and the error, and one when
/// it has ended well.
///
/// Threads: blocks; belongs on a BlockingPool.
/// Errors: those of `call`; one that did not pass in time says how long it was waited for, and
/// keeps code and policy. CANCELLED, before the first call, too.
absl::Status CallPatiently(const Patience& patience, const std::function<void()>& on_progress,
                           const std::string& who, const std::function<absl::Status()>& call);

}  // namespace weir::taskmanager

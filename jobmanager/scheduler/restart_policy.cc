#include "jobmanager/scheduler/restart_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {

RestartPolicy::RestartPolicy(RestartOptions options, Random& random)
    : options_(options), random_(random) {}

absl::Duration RestartPolicy::NextExponential(absl::Duration now) {
  if (last_failure_ && now - *last_failure_ >= options_.reset_threshold) {
    backoff_ = absl::ZeroDuration();
  }
  const absl::Duration delay = backoff_;
  backoff_ = backoff_ == absl::ZeroDuration()
                 ? options_.initial_backoff
                 : std::min(backoff_ * options_.multiplier, options_.max_backoff);
  const double spread = static_cast<double>(random_.Below(2001)) / 1000.0 - 1.0;
  return delay + delay * (spread * options_.jitter);
}

RestartPolicy::Decision RestartPolicy::OnFailure(absl::Duration now) {
  ++failures_;
  Decision decision;
  switch (options_.strategy) {
    case RestartOptions::Strategy::kNone:
      decision.why = "restart.strategy is none";
      break;
    case RestartOptions::Strategy::kExponentialDelay:
      decision.delay = NextExponential(now);
      break;
    case RestartOptions::Strategy::kFixedDelay:
      if (failures_ > static_cast<uint64_t>(std::max<int64_t>(options_.fixed_attempts, 0))) {
        decision.why = absl::StrCat("restart.fixed-delay.attempts of ", options_.fixed_attempts,
                                    " is used up");
      } else {
        decision.delay = options_.fixed_delay;
      }
      break;
    case RestartOptions::Strategy::kFailureRate:
      recent_.push_back(now);
      while (now - recent_.front() > options_.failure_rate_interval) recent_.pop_front();
      if (static_cast<int64_t>(recent_.size()) > options_.max_failures_per_interval) {
        decision.why = absl::StrCat(recent_.size(), " failures within ",
                                    absl::FormatDuration(options_.failure_rate_interval));
      } else {
        decision.delay = options_.failure_rate_delay;
      }
      break;
  }
  last_failure_ = now;
  return decision;
}

}  // namespace weir::jobmanager

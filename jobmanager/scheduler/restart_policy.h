#pragma once

#include <deque>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/base/random.h"

namespace weir::jobmanager {

/// The options restart.* of one job.
struct RestartOptions {
  enum class Strategy { kExponentialDelay, kFixedDelay, kFailureRate, kNone };
  Strategy strategy = Strategy::kExponentialDelay;
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Minutes(1);
  double multiplier = 2.0;
  absl::Duration reset_threshold = absl::Minutes(10);
  double jitter = 0.1;  // share of the delay, both ways
  int64_t fixed_attempts = 3;
  absl::Duration fixed_delay = absl::Seconds(1);
  int64_t max_failures_per_interval = 3;
  absl::Duration failure_rate_interval = absl::Minutes(1);
  absl::Duration failure_rate_delay = absl::Seconds(1);
};

/// Decides after each failure whether and when a job starts again. As Flink's restart strategies;
/// the first exponential delay is 0, so that a lone crash costs no waiting.
/// One owner, no threads; times are monotonic.
class RestartPolicy {
 public:
  RestartPolicy(RestartOptions options, Random& random);

  struct Decision {
    std::optional<absl::Duration> delay;  // absent: give up
    std::string why;                      // when giving up
  };
  Decision OnFailure(absl::Duration now);
  uint64_t failures() const { return failures_; }

 private:
  absl::Duration NextExponential(absl::Duration now);

  const RestartOptions options_;
  Random& random_;
  uint64_t failures_ = 0;
  absl::Duration backoff_ = absl::ZeroDuration();
  std::optional<absl::Duration> last_failure_;
  std::deque<absl::Duration> recent_;
};

}  // namespace weir::jobmanager

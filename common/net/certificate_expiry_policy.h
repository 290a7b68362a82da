#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace weir {

/// When to warn that a certificate expires: once less than seven days are left, or less than a
/// fifth of its life where that is shorter, and again when it has expired; each at most once a day.
/// cert-manager renews when a third is left, so that a warning means that it did not.
///
/// Threads: one at a time.
class CertificateExpiryPolicy {
 public:
  enum class Warning { kNone, kExpiresSoon, kHasExpired };

  /// What to warn of at `now`, of the certificate that is in use then; another one begins anew.
  Warning Consider(absl::Time not_before, absl::Time not_after, absl::Time now);

  static constexpr absl::Duration kWarnAhead = absl::Hours(7 * 24);
  static constexpr int64_t kShareOfLife = 5;
  static constexpr absl::Duration kWarnAgainAfter = absl::Hours(24);

 private:
  std::optional<absl::Time> not_after_;  // of the certificate that was considered last
  Warning warned_of_ = Warning::kNone;
  absl::Time warned_at_ = absl::InfinitePast();
};

}  // namespace weir

#include "common/net/certificate_expiry_policy.h"

#include <algorithm>

namespace weir {

CertificateExpiryPolicy::Warning CertificateExpiryPolicy::Consider(absl::Time not_before,
                                                                   absl::Time not_after,
                                                                   absl::Time now) {
  if (not_after_ != not_after) {
    not_after_ = not_after;
    warned_of_ = Warning::kNone;
  }
  const absl::Duration left = not_after - now;
  if (left >= std::min(kWarnAhead, (not_after - not_before) / kShareOfLife)) return Warning::kNone;
  const Warning warning =
      left < absl::ZeroDuration() ? Warning::kHasExpired : Warning::kExpiresSoon;
  if (warning == warned_of_ && now - warned_at_ < kWarnAgainAfter) return Warning::kNone;
  warned_of_ = warning;
  warned_at_ = now;
  return warning;
}

}  // namespace weir

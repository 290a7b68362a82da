#include "common/net/certificate_expiry_policy.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using Warning = CertificateExpiryPolicy::Warning;

constexpr absl::Duration kDay = absl::Hours(24);
const absl::Time kMade = absl::FromUnixSeconds(1'700'000'000);

TEST(CertificateExpiryPolicy, WarnsWhenSevenDaysAreLeft) {
  const absl::Time end = kMade + 90 * kDay;
  CertificateExpiryPolicy policy;
  EXPECT_EQ(policy.Consider(kMade, end, kMade), Warning::kNone);
  EXPECT_EQ(policy.Consider(kMade, end, kMade + 60 * kDay), Warning::kNone);  // cert-manager's time
  EXPECT_EQ(policy.Consider(kMade, end, end - 7 * kDay), Warning::kNone);
  EXPECT_EQ(policy.Consider(kMade, end, end - 7 * kDay + absl::Seconds(1)), Warning::kExpiresSoon);
}

TEST(CertificateExpiryPolicy, WarnsOfAShortLifeWhenAFifthIsLeft) {
  const absl::Time end = kMade + absl::Hours(10);
  CertificateExpiryPolicy policy;
  EXPECT_EQ(policy.Consider(kMade, end, end - absl::Hours(2)), Warning::kNone);
  EXPECT_EQ(policy.Consider(kMade, end, end - absl::Minutes(119)), Warning::kExpiresSoon);
}

TEST(CertificateExpiryPolicy, WarnsOnceADay) {
  const absl::Time end = kMade + 90 * kDay;
  CertificateExpiryPolicy policy;
  int warnings = 0;
  for (absl::Time now = end - 4 * kDay; now < end; now += absl::Minutes(10)) {
    if (policy.Consider(kMade, end, now) != Warning::kNone) ++warnings;
  }
  EXPECT_EQ(warnings, 4);
}

TEST(CertificateExpiryPolicy, SaysThatItHasExpiredAtOnceAndOnceADay) {
  const absl::Time end = kMade + 90 * kDay;
  CertificateExpiryPolicy policy;
  EXPECT_EQ(policy.Consider(kMade, end, end - absl::Hours(1)), Warning::kExpiresSoon);
  EXPECT_EQ(policy.Consider(kMade, end, end), Warning::kNone);
  EXPECT_EQ(policy.Consider(kMade, end, end + absl::Seconds(1)), Warning::kHasExpired);
  EXPECT_EQ(policy.Consider(kMade, end, end + kDay), Warning::kNone);
  EXPECT_EQ(policy.Consider(kMade, end, end + kDay + absl::Seconds(1)), Warning::kHasExpired);
}

TEST(CertificateExpiryPolicy, AnotherCertificateBeginsAnew) {
  const absl::Time end = kMade + 90 * kDay;
  CertificateExpiryPolicy policy;
  EXPECT_EQ(policy.Consider(kMade, end, end - kDay), Warning::kExpiresSoon);
  EXPECT_EQ(policy.Consider(kMade, end + kDay, end - kDay), Warning::kExpiresSoon);
  EXPECT_EQ(policy.Consider(kMade, end + 80 * kDay, end - kDay), Warning::kNone);
}

}  // namespace
}  // namespace weir

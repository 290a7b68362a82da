#include "common/net/self_signed_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(SelfSignedCertificate, IsPemAndNewEachTime) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const auto one = MakeSelfSignedCertificate("weir", now);
  const auto other = MakeSelfSignedCertificate("weir", now);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_THAT(one->certificate, HasSubstr("-----BEGIN CERTIFICATE-----"));
  EXPECT_THAT(one->key, HasSubstr("PRIVATE KEY-----"));
  EXPECT_NE(one->certificate, other->certificate);
  EXPECT_NE(one->key, other->key);
}

}  // namespace
}  // namespace weir

#include "common/net/self_signed_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(SelfSignedCertificate, IsPemAndNewEachTime) {
  const auto one = MakeSelfSignedCertificate("weir", absl::Now());
  const auto other = MakeSelfSignedCertificate("weir", absl::Now());
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_THAT(one->certificate, HasSubstr("-----BEGIN CERTIFICATE-----"));
  EXPECT_THAT(one->key, HasSubstr("PRIVATE KEY-----"));
  EXPECT_NE(one->certificate, other->certificate);
  EXPECT_NE(one->key, other->key);
}

}  // namespace
}  // namespace weir

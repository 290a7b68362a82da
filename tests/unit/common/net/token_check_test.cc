#include "common/net/token_check.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TokenCheckTest, WithoutATokenEverybodyIsAdmitted) {
  EXPECT_TRUE(TokenCheck("").Check("").ok());
  EXPECT_TRUE(TokenCheck("").Check("Bearer x").ok());
  EXPECT_FALSE(TokenCheck("").asks_for_token());
}

TEST(TokenCheckTest, AdmitsTheTokenAlone) {
  const TokenCheck check("secret");
  EXPECT_TRUE(check.asks_for_token());
  EXPECT_TRUE(check.Check(TokenCheck::HeaderValue("secret")).ok());
  for (const char* wrong : {"", "secret", "Bearer ", "Bearer secret2", "bearer secret"}) {
    EXPECT_TRUE(absl::IsUnauthenticated(check.Check(wrong))) << wrong;
  }
}

}  // namespace
}  // namespace weir

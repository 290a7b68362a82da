#include "taskmanager/exchange/exchange_secret.h"

#include <gtest/gtest.h>

namespace weir::taskmanager {
namespace {

TEST(ExchangeSecret, OnlyTheSameSecretIsRight) {
  const ExchangeSecret secret("0123abcd");
  EXPECT_TRUE(secret.Check("0123abcd").ok());
  for (const char* other : {"", "0123abce", "0123abcd ", "0123abc", "x"}) {
    EXPECT_EQ(secret.Check(other).code(), absl::StatusCode::kUnauthenticated) << other;
  }
}

}  // namespace
}  // namespace weir::taskmanager

#include "common/net/leader_redirect.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(LeaderRedirect, CarriesTheAddress) {
  const absl::Status status = NotLeaderError("10.0.0.1:6123");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(LeaderAddressOf(status), "10.0.0.1:6123");
}

TEST(LeaderRedirect, LeaderMayBeUnknown) { EXPECT_EQ(LeaderAddressOf(NotLeaderError("")), ""); }

TEST(LeaderRedirect, OtherErrorsAreNone) {
  EXPECT_EQ(LeaderAddressOf(absl::FailedPreconditionError("the job has ended")), std::nullopt);
  EXPECT_EQ(LeaderAddressOf(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace weir

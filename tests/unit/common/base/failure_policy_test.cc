#include "common/base/failure_policy.h"

#include <gtest/gtest.h>

#include "common/base/status_macros.h"

namespace weir {
namespace {

TEST(FailurePolicyTest, ItGoesWithTheError) {
  const absl::Status error = absl::InvalidArgumentError("wrong");
  EXPECT_EQ(FailurePolicyOf(error), FailurePolicy::kByCode);
  const absl::Status final = WithFailurePolicy(error, FailurePolicy::kFailJob);
  EXPECT_EQ(FailurePolicyOf(Annotate(final, "operator 'x'")), FailurePolicy::kFailJob);
  EXPECT_EQ(final.code(), error.code());
  EXPECT_EQ(final.message(), error.message());
  EXPECT_EQ(FailurePolicyOf(WithFailurePolicy(final, FailurePolicy::kSuspendJob)),
            FailurePolicy::kSuspendJob);
  EXPECT_EQ(FailurePolicyOf(WithFailurePolicy(final, FailurePolicy::kRestartJob)),
            FailurePolicy::kRestartJob);
  EXPECT_EQ(WithFailurePolicy(final, FailurePolicy::kByCode), error);
}

TEST(FailurePolicyTest, SuccessHasNone) {
  EXPECT_EQ(FailurePolicyOf(WithFailurePolicy(absl::OkStatus(), FailurePolicy::kFailJob)),
            FailurePolicy::kByCode);
}

}  // namespace
}  // namespace weir

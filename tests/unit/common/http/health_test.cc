#include "common/http/health.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HealthTest, ProcessIsAliveUntilAnExecutorIsStuck) {
  EXPECT_TRUE(LivenessOf({}).ok);
  EXPECT_TRUE(LivenessOf({{"weir-jm", std::nullopt}}).ok);
  EXPECT_TRUE(LivenessOf({{"weir-jm", kStuckAfter - absl::Seconds(1)}}).ok);
  const HealthReport stuck = LivenessOf({{"weir-a", std::nullopt}, {"weir-jm", absl::Seconds(12)}});
  EXPECT_FALSE(stuck.ok);
  EXPECT_EQ(stuck.reason, "thread weir-jm has run nothing for 12s");
}

TEST(HealthTest, ResponseSaysWhatIsTheMatter) {
  HealthReport good;
  good.details = {{"role", "leader"}};
  EXPECT_EQ(HealthResponse(good).status, 200);
  EXPECT_EQ(HealthResponse(good).body, "{\"status\":\"ok\",\"role\":\"leader\"}\n");
  const HttpResponse bad = HealthResponse(HealthReport::Unavailable("it says \"no\""));
  EXPECT_EQ(bad.status, 503);
  EXPECT_EQ(bad.content_type, "application/json");
  EXPECT_EQ(bad.body, "{\"status\":\"unavailable\",\"reason\":\"it says \\\"no\\\"\"}\n");
}

}  // namespace
}  // namespace weir

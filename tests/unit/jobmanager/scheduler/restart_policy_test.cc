#include "jobmanager/scheduler/restart_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/seeded_random.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using Strategy = RestartOptions::Strategy;

constexpr absl::Duration kMs = absl::Milliseconds(1);

RestartOptions OptionsOf(Strategy strategy) {
  RestartOptions options;
  options.strategy = strategy;
  options.jitter = 0;
  return options;
}

class RestartPolicyTest : public ::testing::Test {
 protected:
  /// The delays after `count` failures, `apart` from each other; -1: gave up.
  std::vector<absl::Duration> Delays(const RestartOptions& options, int count,
                                     absl::Duration apart = absl::Seconds(1)) {
    RestartPolicy policy(options, random_);
    std::vector<absl::Duration> delays;
    for (int i = 0; i < count; ++i) {
      delays.push_back(policy.OnFailure(i * apart).delay.value_or(-1 * kMs));
    }
    return delays;
  }
  std::string WhyAfter(const RestartOptions& options, int failures) {
    RestartPolicy policy(options, random_);
    for (int i = 1; i < failures; ++i) policy.OnFailure(i * kMs);
    return policy.OnFailure(failures * kMs).why;
  }
  SeededRandom random_{7};
};

TEST_F(RestartPolicyTest, NoneGivesUpAtOnce) {
  EXPECT_THAT(Delays(OptionsOf(Strategy::kNone), 1), ElementsAre(-1 * kMs));
}

TEST_F(RestartPolicyTest, NoneSaysSo) {
  EXPECT_EQ(WhyAfter(OptionsOf(Strategy::kNone), 1), "restart.strategy is none");
}

TEST_F(RestartPolicyTest, ExponentialStartsAtOnceThenBacksOff) {
  EXPECT_THAT(Delays(OptionsOf(Strategy::kExponentialDelay), 4),
              ElementsAre(0 * kMs, 100 * kMs, 200 * kMs, 400 * kMs));
}

TEST_F(RestartPolicyTest, ExponentialStopsAtItsMaximum) {
  RestartOptions options = OptionsOf(Strategy::kExponentialDelay);
  options.max_backoff = 150 * kMs;
  EXPECT_THAT(Delays(options, 4), ElementsAre(0 * kMs, 100 * kMs, 150 * kMs, 150 * kMs));
}

TEST_F(RestartPolicyTest, ExponentialStartsOverAfterAQuietTime) {
  RestartOptions options = OptionsOf(Strategy::kExponentialDelay);
  options.reset_threshold = absl::Seconds(1);
  EXPECT_THAT(Delays(options, 3, absl::Seconds(1)), ElementsAre(0 * kMs, 0 * kMs, 0 * kMs));
}

TEST_F(RestartPolicyTest, ExponentialGoesOnWithinTheThreshold) {
  RestartOptions options = OptionsOf(Strategy::kExponentialDelay);
  options.reset_threshold = absl::Seconds(1) + kMs;
  EXPECT_THAT(Delays(options, 3, absl::Seconds(1)), ElementsAre(0 * kMs, 100 * kMs, 200 * kMs));
}

TEST_F(RestartPolicyTest, JitterStaysWithinItsShare) {
  RestartOptions options = OptionsOf(Strategy::kExponentialDelay);
  options.jitter = 0.1;
  options.max_backoff = options.initial_backoff;
  const std::vector<absl::Duration> delays = Delays(options, 500);
  for (size_t i = 1; i < delays.size(); ++i) {
    ASSERT_GE(delays[i], 90 * kMs);
    ASSERT_LE(delays[i], 110 * kMs);
  }
}

TEST_F(RestartPolicyTest, JitterGoesBothWays) {
  RestartOptions options = OptionsOf(Strategy::kExponentialDelay);
  options.jitter = 0.1;
  options.max_backoff = options.initial_backoff;
  const std::vector<absl::Duration> delays = Delays(options, 500);
  EXPECT_LT(*std::min_element(delays.begin() + 1, delays.end()), 95 * kMs);
  EXPECT_GT(*std::max_element(delays.begin() + 1, delays.end()), 105 * kMs);
}

TEST_F(RestartPolicyTest, FixedDelayWaitsTheSameEachTime) {
  EXPECT_THAT(Delays(OptionsOf(Strategy::kFixedDelay), 3),
              ElementsAre(1000 * kMs, 1000 * kMs, 1000 * kMs));
}

TEST_F(RestartPolicyTest, FixedDelayGivesUpAfterItsAttempts) {
  RestartOptions options = OptionsOf(Strategy::kFixedDelay);
  options.fixed_attempts = 1;
  EXPECT_THAT(Delays(options, 2), ElementsAre(1000 * kMs, -1 * kMs));
}

TEST_F(RestartPolicyTest, FixedDelayNamesTheOptionThatIsUsedUp) {
  EXPECT_EQ(WhyAfter(OptionsOf(Strategy::kFixedDelay), 4),
            "restart.fixed-delay.attempts of 3 is used up");
}

TEST_F(RestartPolicyTest, FailureRateAllowsItsNumberInAnInterval) {
  EXPECT_THAT(Delays(OptionsOf(Strategy::kFailureRate), 4),
              ElementsAre(1000 * kMs, 1000 * kMs, 1000 * kMs, -1 * kMs));
}

TEST_F(RestartPolicyTest, FailureRateForgetsWhatIsOlderThanTheInterval) {
  RestartOptions options = OptionsOf(Strategy::kFailureRate);
  options.max_failures_per_interval = 1;
  EXPECT_THAT(Delays(options, 3, options.failure_rate_interval + kMs),
              ElementsAre(1000 * kMs, 1000 * kMs, 1000 * kMs));
}

TEST_F(RestartPolicyTest, FailureRateTellsTheFigures) {
  EXPECT_EQ(WhyAfter(OptionsOf(Strategy::kFailureRate), 4), "4 failures within 1m");
}

TEST_F(RestartPolicyTest, CountsFailures) {
  RestartPolicy policy(OptionsOf(Strategy::kFixedDelay), random_);
  policy.OnFailure(kMs);
  policy.OnFailure(kMs);
  EXPECT_EQ(policy.failures(), 2u);
}

}  // namespace
}  // namespace weir::jobmanager

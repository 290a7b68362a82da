#include "taskmanager/worker/stall_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/metrics/metric_catalogue.h"

namespace weir::taskmanager {
namespace {

using testing::SizeIs;

/// A slot whose step lasts as long as the test says.
class TestingSlot final : public TaskHost {
 public:
  void AddTask(std::shared_ptr<Task>) override {}
  void RemoveAll(std::function<void()>) override {}
  std::optional<StalledStep> FindStall(absl::Duration threshold) const override {
    if (lasts < threshold) return std::nullopt;
    return StalledStep{{VertexId(1), 0},
                       "flights -> Enrich",
                       operator_name,
                       "topic flights, partition 3, offset 1234",
                       lasts};
  }
  std::string operator_name = "Enrich";
  absl::Duration lasts;
};

class StallWatchTest : public testing::Test {
 protected:
  void Look(absl::Duration lasts) {
    slot_.lasts = lasts;
    watch_.Look({{0, &slot_}}, absl::Seconds(10));
  }
  TestingSlot slot_;
  StallWatch watch_;
};

TEST_F(StallWatchTest, AStepIsToldFromTheTimeoutOnUntilItReturns) {
  Look(absl::Seconds(9));
  EXPECT_THAT(watch_.stalls(), SizeIs(0));
  Look(absl::Milliseconds(12'345));
  ASSERT_THAT(watch_.stalls(), SizeIs(1));
  EXPECT_EQ(watch_.stalls()[0].ToString(),
            "operator 'Enrich' of task 1.0 (flights -> Enrich) has been running for 12s, at topic "
            "flights, partition 3, offset 1234");
  Look(absl::ZeroDuration());
  EXPECT_THAT(watch_.stalls(), SizeIs(0));
}

TEST_F(StallWatchTest, WithoutAnOperatorTheTaskIsNamed) {
  slot_.operator_name.clear();
  Look(absl::Seconds(61));
  ASSERT_THAT(watch_.stalls(), SizeIs(1));
  EXPECT_EQ(watch_.stalls()[0].ToString(),
            "a step of task 1.0 (flights -> Enrich) has been running for 1m1s, at topic flights, "
            "partition 3, offset 1234");
}

TEST_F(StallWatchTest, NoTimeoutIsNoWatch) {
  slot_.lasts = absl::Hours(1);
  watch_.Look({{0, &slot_}}, absl::ZeroDuration());
  EXPECT_THAT(watch_.stalls(), SizeIs(0));
}

TEST_F(StallWatchTest, ItIsLoggedOnceAndEachTimeItHasLastedTwiceAsLong) {
  testing::internal::CaptureStderr();
  for (const int seconds : {10, 11, 19, 20, 39, 40}) Look(absl::Seconds(seconds));
  const std::string log = testing::internal::GetCapturedStderr();
  size_t lines = 0;
  for (size_t at = 0; (at = log.find("its slot stands still", at)) != log.npos; ++at) ++lines;
  EXPECT_EQ(lines, 3u) << log;
}

TEST_F(StallWatchTest, ItIsAMetricWhileItLasts) {
  Look(absl::Seconds(12));
  proto::WorkerMetrics metrics;
  watch_.AddMetrics(&metrics);
  ASSERT_EQ(metrics.sets_size(), 1);
  EXPECT_EQ(metrics.sets(0).labels().at("task"), "flights -> Enrich");
  EXPECT_EQ(metrics.sets(0).values().at(std::string(metrics::kTaskStalled.name)), 12);
}

}  // namespace
}  // namespace weir::taskmanager

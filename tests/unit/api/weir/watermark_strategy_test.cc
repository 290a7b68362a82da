#include "weir/watermark_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/operator/watermark_strategy.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

struct Event {
  Timestamp time;
  int64_t micros = 0;
  WEIR_RECORD(Event, time, micros)
};

Batch Events(const std::vector<int64_t>& micros, std::vector<int64_t> event_times = {}) {
  RecordBuilder<Event> builder;
  for (const int64_t value : micros) {
    builder.Append({Timestamp(std::chrono::microseconds(value)), value});
  }
  BatchExtras extras;
  if (!event_times.empty()) extras.event_times = Buffer::FromVector(std::move(event_times));
  return builder.Finish(std::move(extras));
}

TEST(WatermarkStrategy, MonotonicIsJustBelowTheHighestTime) {
  const auto generator = WatermarkStrategy::Monotonic().spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1, 2}, {500, 400})), EventTime::FromMicros(499));
}

TEST(WatermarkStrategy, BoundIsSubtracted) {
  const auto strategy = WatermarkStrategy::ForBoundedOutOfOrderness(5s);
  const auto generator = strategy.spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1}, {9000000})), EventTime::FromMicros(3999999));
  EXPECT_EQ(strategy.spec()->description, "bounded out-of-orderness 5s");
}

TEST(WatermarkStrategy, BatchWithoutEventTimesGivesNone) {
  const auto generator = WatermarkStrategy::Monotonic().spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1})), std::nullopt);
}

TEST(WatermarkStrategy, NoneHasNoGenerator) {
  EXPECT_FALSE(WatermarkStrategy::None().spec()->make_generator);
}

TEST(WatermarkStrategy, AssignerReadsTimestampsOrMicroseconds) {
  const auto by_time = WatermarkStrategy::Monotonic().WithTimestampAssigner(
      [](const Event::View& event) { return event.time; });
  EXPECT_THAT(by_time.spec()->assign_timestamps(Events({7, 8})), ElementsAre(7, 8));
  const auto by_micros = WatermarkStrategy::Monotonic().WithTimestampAssigner(
      [](const Event& event) { return event.micros + 1; });
  EXPECT_THAT(by_micros.spec()->assign_timestamps(Events({7, 8})), ElementsAre(8, 9));
}

TEST(WatermarkStrategy, IdlenessIsKept) {
  const auto strategy = WatermarkStrategy::Monotonic().WithIdleness(1min);
  EXPECT_EQ(strategy.spec()->idle_after, absl::Minutes(1));
  EXPECT_EQ(strategy.spec()->description, "monotonic, idle after 1m");
}

}  // namespace
}  // namespace weir

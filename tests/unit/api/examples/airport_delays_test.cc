#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "examples/airport_delays/airport.h"
#include "weir/testing/operator_test_harness.h"
#include "weir/testing/side_output_sink.h"

namespace weir {
namespace {

using std::chrono::hours;
using testing::OperatorTestHarness;
using testing::SideOutputSink;

constexpr int64_t kHour = 3'600'000'000;

TEST(AirportDelaysExample, ThreeHoursEveryHour) {
  SideOutputSink<Flight> late;
  OperatorTestHarness<Flight, AirportDelays> harness([&](const DataStream<Flight>& flights) {
    const auto delays = DelaysOf(flights);
    delays.GetSideOutput(LateFlights()).SinkTo(late.sink());
    return delays;
  });
  harness.PushBatch({{1, {}, 40, "SAN", "SFO"}, {2, {}, 5, "SAN", "LAX"}, {3, {}, 0, "SFO", "SAN"}},
                    {0, kHour, kHour});
  harness.PushWatermark(2 * kHour);
  ASSERT_EQ(harness.error(), "");
  ASSERT_EQ(harness.Outputs().size(), 3u);
  const AirportDelays& two_hours = harness.Outputs()[1].record;
  EXPECT_EQ(two_hours.airport, "SAN");
  EXPECT_EQ(two_hours.until, Timestamp(hours(2)));
  EXPECT_EQ(two_hours.flights, 2);
  EXPECT_EQ(two_hours.delayed, 1);
  EXPECT_EQ(two_hours.mean_minutes, 22.5);
  EXPECT_EQ(two_hours.worst_minutes, 40);

  harness.PushWatermark(30 * kHour);
  harness.Push({4, {}, 90, "SAN", "SFO"}, 0);
  ASSERT_EQ(late.records().size(), 1u);
  EXPECT_EQ(late.records()[0].id, 4);
}

TEST(AirportDelaysExample, ADayIsOverWhenTheNextOneBegins) {
  OperatorTestHarness<Flight, Flight> harness([](const DataStream<Flight>& flights) {
    return flights.AssignTimestampsAndWatermarks(WatermarkStrategy::ForGenerator([] {
                                                   return std::make_unique<EndOfDay>();
                                                 }).WithTimestampAssigner(&Flight::date));
  });
  const auto push = [&](int hour) { harness.Push({1, Timestamp(hours(hour)), 0, "SAN", "SFO"}); };
  for (const int hour : {30, 47, 25, 40}) push(hour);
  EXPECT_EQ(harness.Watermarks(), (std::vector<int64_t>{24 * kHour - 1}));
  push(48);
  push(47);
  ASSERT_EQ(harness.error(), "");
  EXPECT_EQ(harness.Watermarks(), (std::vector<int64_t>{24 * kHour - 1, 48 * kHour - 1}));
}

}  // namespace
}  // namespace weir

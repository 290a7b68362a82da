#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "examples/co_visits/visit.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

constexpr int64_t kDay = 24 * 3'600'000'000;

TEST(CoVisitsExample, TheMostOftenFirst) {
  testing::OperatorTestHarness<Flight, Recommendation> harness(
      [](const DataStream<Flight>& flights) { return RecommendationsOf(flights); });
  // From SAN to A and B on both days, to C on the second.
  harness.PushBatch({{1, {}, 0, "SAN", "A"}, {2, {}, 0, "SAN", "B"}, {3, {}, 0, "SAN", "A"}},
                    {0, 10, 20});
  harness.PushBatch({{4, {}, 0, "SAN", "C"}, {5, {}, 0, "SAN", "A"}, {6, {}, 0, "SAN", "B"}},
                    {kDay, kDay, kDay + 5});
  harness.PushBatch({{7, {}, 0, "SFO", "C"}}, {0});
  harness.PushWatermark(kDay - 1);
  std::map<std::string, std::string> others;
  for (const auto& output : harness.TakeOutputs()) {
    others[output.record.place] = output.record.others;
  }
  const std::map<std::string, std::string> first_day = {{"A", "B 1"}, {"B", "A 1"}};
  EXPECT_EQ(others, first_day);
  harness.Finish();
  for (const auto& output : harness.TakeOutputs()) {
    others[output.record.place] = output.record.others;
  }
  const std::map<std::string, std::string> both_days = {
      {"A", "B 2, C 1"}, {"B", "A 2, C 1"}, {"C", "A 1, B 1"}};
  EXPECT_EQ(others, both_days);
  EXPECT_EQ(harness.error(), "");
}

TEST(CoVisitsExample, NoMoreThanTheTop) {
  testing::OperatorTestHarness<Flight, Recommendation> harness(
      [](const DataStream<Flight>& flights) { return RecommendationsOf(flights, 1); });
  harness.PushBatch({{1, {}, 0, "SAN", "A"}, {2, {}, 0, "SAN", "B"}, {3, {}, 0, "SAN", "C"}},
                    {0, 10, 20});
  harness.Finish();
  std::map<std::string, std::string> others;
  for (const auto& output : harness.TakeOutputs()) {
    others[output.record.place] = output.record.others;
  }
  const std::map<std::string, std::string> one_each = {{"A", "B 1"}, {"B", "A 1"}, {"C", "A 1"}};
  EXPECT_EQ(others, one_each);
}

}  // namespace
}  // namespace weir

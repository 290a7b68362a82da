#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "examples/late_routes/route.h"
#include "tests/unit/api/weir/keyed_contents.h"
#include "tests/unit/api/weir/on_each_backend.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kHour = 3'600'000'000;

class LateRoutesHarness {
 public:
  explicit LateRoutesHarness(const testing::HarnessOptions& options)
      : harness_(LateRoutesOf, options) {}

  void Fly(int64_t id, int64_t hour, int64_t delay, const std::string& to = "SFO") {
    harness_.Push({id, Timestamp(std::chrono::hours(hour)), delay, "SAN", to}, hour * kHour);
    EXPECT_EQ(harness_.error(), "");
  }
  void PushWatermark(int64_t hour) { harness_.PushWatermark(hour * kHour); }
  KeyedContents Contents() { return ContentsOf(*harness_.Snapshot()); }
  /// "SAN-SFO 3 until 12" each.
  std::vector<std::string> TakeAlerts() {
    std::vector<std::string> texts;
    for (const auto& output : harness_.TakeOutputs()) {
      texts.push_back(absl::StrCat(output.record.route, " ", output.record.flights, " until ",
                                   output.record.last_flight));
    }
    return texts;
  }

 private:
  testing::OperatorTestHarness<Flight, LateRoute> harness_;
};

WEIR_ON_EACH_BACKEND(LateRoutesExample);

TEST_P(LateRoutesExample, EveryThirdInARow) {
  LateRoutesHarness flights(Options());
  for (int64_t id = 1; id <= 7; ++id) {
    flights.Fly(id, id, 15);
    flights.Fly(10 + id, id, id == 4 ? 14 : 15, "LAX");
  }
  EXPECT_THAT(flights.TakeAlerts(), ElementsAre("SAN-SFO 3 until 3", "SAN-LAX 3 until 13",
                                                "SAN-SFO 6 until 6", "SAN-LAX 3 until 17"));
}

// The timer alone does that: nothing else would ever take the state of a route that has ended.
TEST_P(LateRoutesExample, ARouteIsForgottenADayBehindItsLastLateFlight) {
  LateRoutesHarness flights(Options());
  flights.Fly(1, 0, 20);
  flights.Fly(2, 2, 20);
  EXPECT_EQ(flights.Contents(), (KeyedContents{2, 1})) << "one timer, of the last flight";
  flights.PushWatermark(25);
  EXPECT_EQ(flights.Contents(), (KeyedContents{2, 1}));
  flights.PushWatermark(26);
  EXPECT_EQ(flights.Contents(), (KeyedContents{0, 0}));
  flights.Fly(3, 27, 20);
  flights.Fly(4, 28, 20);
  EXPECT_THAT(flights.TakeAlerts(), IsEmpty());
  flights.Fly(5, 29, 20);
  EXPECT_THAT(flights.TakeAlerts(), ElementsAre("SAN-SFO 3 until 5"));
}

TEST_P(LateRoutesExample, APunctualFlightTakesStateAndTimer) {
  LateRoutesHarness flights(Options());
  flights.Fly(1, 0, 20);
  flights.Fly(2, 1, 3);
  EXPECT_EQ(flights.Contents(), (KeyedContents{0, 0}));
}

// As in a batch that ends before the watermark behind it.
TEST_P(LateRoutesExample, AFlightADayLaterBeginsAnewAlsoBeforeItsTimer) {
  LateRoutesHarness flights(Options());
  flights.Fly(1, 0, 20);
  flights.Fly(2, 1, 20);
  flights.Fly(3, 25, 20);
  EXPECT_THAT(flights.TakeAlerts(), IsEmpty());
  EXPECT_EQ(flights.Contents(), (KeyedContents{2, 1}));
}

}  // namespace
}  // namespace weir

#include "common/time/event_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace weir {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(EventTimeTest, AddsDurationsOfBothKinds) {
  const EventTime time = EventTime::FromMillis(1500);
  EXPECT_EQ(time.micros(), 1'500'000);
  EXPECT_EQ(time + seconds(1), EventTime::FromMillis(2500));
  EXPECT_EQ(time - absl::Milliseconds(500), EventTime::FromMillis(1000));
  EXPECT_EQ(time - EventTime::FromMillis(500), seconds(1));
}

TEST(EventTimeTest, EndsAbsorb) {
  EXPECT_EQ(EventTime::Min() + seconds(1), EventTime::Min());
  EXPECT_EQ(EventTime::Max() - seconds(1), EventTime::Max());
  EXPECT_EQ(EventTime::Min() - absl::Hours(1), EventTime::Min());
}

TEST(EventTimeTest, SumsStopAtTheEnds) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(EventTime::FromMicros(kMax - 1) + microseconds(5), EventTime::Max());
  EXPECT_EQ(EventTime::FromMicros(-kMax) - microseconds(5), EventTime::Min());
  EXPECT_EQ(EventTime::FromMillis(kMax), EventTime::Max());
  EXPECT_EQ(EventTime::FromMillis(-kMax), EventTime::Min());
  EXPECT_EQ(EventTime::Max() - EventTime::Min(), microseconds::max());
  EXPECT_EQ(EventTime() + absl::InfiniteDuration(), EventTime::Max());
}

TEST(EventTimeTest, MillisRoundDownBefore1970) {
  EXPECT_EQ(EventTime::FromMicros(-1).millis(), -1);
  EXPECT_EQ(EventTime::FromMicros(-1000).millis(), -1);
  EXPECT_EQ(EventTime::FromMicros(1999).millis(), 1);
}

TEST(EventTimeTest, FormatsAsRfc3339) {
  EXPECT_EQ(FormatEventTime(EventTime()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatEventTime(EventTime::FromMicros(1714564800250000)), "2024-05-01T12:00:00.25Z");
  EXPECT_EQ(FormatEventTime(EventTime::Min()), "min");
  EXPECT_EQ(FormatEventTime(EventTime::Max()), "max");
}

TEST(EventTimeTest, ConvertsFromAbslTime) {
  EXPECT_EQ(EventTime::FromTime(absl::UnixEpoch() + absl::Microseconds(7)).micros(), 7);
}

}  // namespace
}  // namespace weir

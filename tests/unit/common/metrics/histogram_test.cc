#include "common/metrics/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;

TEST(HistogramTest, BucketsAreLogLinear) {
  const Histogram histogram({.lowest = 4, .highest = 20, .steps = 2});
  EXPECT_THAT(histogram.TakeSnapshot().bounds, ElementsAre(4, 6, 8, 12, 16, 24));
}

TEST(HistogramTest, SmallStepsAreNotRepeated) {
  const Histogram histogram({.lowest = 1, .highest = 4, .steps = 4});
  EXPECT_THAT(histogram.TakeSnapshot().bounds, ElementsAre(1, 2, 3, 4));
}

TEST(HistogramTest, ValueBelongsToTheBucketItIsTheBoundOf) {
  Histogram histogram({.lowest = 4, .highest = 8, .steps = 1});
  for (const int64_t value : {-5, 0, 4, 5, 8, 9}) histogram.Record(value);
  const Histogram::Snapshot snapshot = histogram.TakeSnapshot();
  EXPECT_THAT(snapshot.bounds, ElementsAre(4, 8));
  EXPECT_THAT(snapshot.counts, ElementsAre(3, 2, 1));
  EXPECT_EQ(snapshot.count, 6u);
  EXPECT_EQ(snapshot.sum, 26);
}

TEST(HistogramTest, DurationsAreShownInSeconds) {
  Histogram histogram(HistogramOptions::Seconds());
  histogram.Record(absl::Milliseconds(1500));
  const Histogram::Snapshot snapshot = histogram.TakeSnapshot();
  EXPECT_DOUBLE_EQ(snapshot.sum, 1.5);
  EXPECT_DOUBLE_EQ(snapshot.bounds.front(), 1e-6);
  EXPECT_GE(snapshot.bounds.back(), 100.0);
  EXPECT_LT(snapshot.bounds.size(), 64u);
}

TEST(HistogramTest, QuantileInterpolates) {
  Histogram histogram({.lowest = 100, .highest = 400, .steps = 1});
  EXPECT_EQ(histogram.TakeSnapshot().Quantile(0.5), 0);
  for (int i = 0; i < 50; ++i) histogram.Record(int64_t{50});
  for (int i = 0; i < 50; ++i) histogram.Record(int64_t{150});
  const Histogram::Snapshot snapshot = histogram.TakeSnapshot();
  EXPECT_DOUBLE_EQ(snapshot.Quantile(0.5), 100);
  EXPECT_DOUBLE_EQ(snapshot.Quantile(0.75), 150);
  histogram.Record(int64_t{100000});
  EXPECT_DOUBLE_EQ(histogram.TakeSnapshot().Quantile(1.0), 400);
}

}  // namespace
}  // namespace weir

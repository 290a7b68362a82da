#include "taskmanager/task/split_watermarks.h"

#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

SourceSplit Split(const std::string& id, std::optional<int64_t> watermark = {},
                  bool finished = false) {
  return SourceSplit{id, "0", watermark, finished};
}

TEST(SplitWatermarks, IsTheMinimumOfTheSplits) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a"), kNow);
  watermarks.AddSplit(Split("b"), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  watermarks.OnBatch(1, *MakeBatch({1}, {60}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(60));
}

TEST(SplitWatermarks, NeverGoesBack) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a"), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(100));
  watermarks.AddSplit(Split("b"), kNow);
  watermarks.OnBatch(1, *MakeBatch({1}, {60}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
}

TEST(SplitWatermarks, StartsFromTheRestoredWatermarks) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 100), kNow);
  watermarks.AddSplit(Split("b", 80), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(80));
}

TEST(SplitWatermarks, SnapshotOfAnIdleSplitCarriesWhatWasSentPastIt) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  watermarks.AddSplit(Split("a"), kNow);
  watermarks.AddSplit(Split("b"), kNow);
  watermarks.OnBatch(1, *MakeBatch({1}, {50}), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), absl::Seconds(4));
  EXPECT_EQ(watermarks.Advance(absl::Seconds(6)), EventTime::FromMicros(100));

  SplitWatermarks restored(strategy);
  restored.AddSplit(Split("a", watermarks.SnapshotOf(0)->micros()), kNow);
  restored.AddSplit(Split("b", watermarks.SnapshotOf(1)->micros()), kNow);
  EXPECT_EQ(restored.Advance(kNow), EventTime::FromMicros(100));
}

TEST(SplitWatermarks, SplitFoundAfterARestoreHoldsTheWatermarkAndDoesNotLowerIt) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 100), kNow);
  watermarks.AddSplit(Split("found-late"), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {300}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(1), EventTime::FromMicros(100));
  watermarks.OnBatch(1, *MakeBatch({1}, {20}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  watermarks.OnBatch(1, *MakeBatch({1}, {200}), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(200));
}

TEST(SplitWatermarks, RestoredWatermarkIsSentOnce) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 100), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(100));
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
}

TEST(SplitWatermarks, RestoredWatermarkIsNotLoweredByLateRecords) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 100), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {40}), kNow);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(100));
}

TEST(SplitWatermarks, FinishedSplitHoldsNothingBack) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 10), kNow);
  watermarks.AddSplit(Split("b", 80), kNow);
  watermarks.MarkFinished(0);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(80));
}

TEST(SplitWatermarks, AllFinishedIsTheEndOfTime) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  watermarks.AddSplit(Split("a", 10, /*finished=*/true), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::Max());
}

TEST(SplitWatermarks, AllIdleIsIdleAndNotTheMaximum) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  watermarks.AddSplit(Split("a", 10), kNow);
  watermarks.AddSplit(Split("b", 80, /*finished=*/true), kNow);
  EXPECT_EQ(watermarks.Advance(absl::Seconds(1)), EventTime::FromMicros(10));
  EXPECT_EQ(watermarks.Advance(absl::Seconds(9)), std::nullopt);
}

TEST(SplitWatermarks, IdleSplitComesBackWithItsNextRecord) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  watermarks.AddSplit(Split("a"), kNow);
  watermarks.AddSplit(Split("b"), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), absl::Seconds(4));
  EXPECT_EQ(watermarks.Advance(absl::Seconds(5)), EventTime::FromMicros(100));
  watermarks.OnBatch(1, *MakeBatch({1}, {90}), absl::Seconds(6));
  watermarks.OnBatch(0, *MakeBatch({1}, {200}), absl::Seconds(6));
  EXPECT_EQ(watermarks.Advance(absl::Seconds(6)), std::nullopt);
  EXPECT_EQ(watermarks.UntilNextIdle(absl::Seconds(7)), absl::Seconds(4));
}

TEST(SplitWatermarks, WithoutAGeneratorThereIsNone) {
  SplitWatermarks watermarks(nullptr);
  watermarks.AddSplit(Split("a", 10), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(10));
}

}  // namespace
}  // namespace weir::taskmanager

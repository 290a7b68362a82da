#include "taskmanager/task/split_watermarks.h"

#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

std::shared_ptr<WatermarkStrategySpec> IdleAfterFiveSeconds() {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  return strategy;
}

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
  watermarks.AddSplit(Split("b", 30, /*finished=*/true), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(30)) << "what they had reached";
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::Max());
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
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

// What the snapshot of a split says, given to a new subtask.
SourceSplit Again(const SplitWatermarks& watermarks, size_t split, absl::Duration now) {
  SourceSplit again = Split(split == 0 ? "a" : "b");
  if (const auto of = watermarks.SnapshotOf(split)) again.watermark_us = of->micros();
  again.finished = watermarks.finished(split);
  again.idle = watermarks.SplitIsIdle(split, now);
  return again;
}

TEST(SplitWatermarks, IdleSplitIsIdleAfterARestoreUntilItsNextRecord) {
  const auto strategy = IdleAfterFiveSeconds();
  SplitWatermarks before(strategy);
  before.AddSplit(Split("a"), kNow);
  before.AddSplit(Split("b"), kNow);
  before.OnBatch(0, *MakeBatch({1}, {10}), kNow);
  before.OnBatch(1, *MakeBatch({1}, {50}), absl::Seconds(4));
  EXPECT_EQ(before.Advance(absl::Seconds(6)), EventTime::FromMicros(50));
  EXPECT_TRUE(before.SplitIsIdle(0, absl::Seconds(6)));
  EXPECT_FALSE(before.SplitIsIdle(1, absl::Seconds(6)));

  SplitWatermarks after(strategy);
  after.AddSplit(Again(before, 0, absl::Seconds(6)), kNow);
  after.AddSplit(Again(before, 1, absl::Seconds(6)), kNow);
  after.OnBatch(1, *MakeBatch({1}, {90}), kNow);
  EXPECT_EQ(after.Advance(kNow), EventTime::FromMicros(90)) << "the idle one holds nothing back";
  EXPECT_TRUE(after.SplitIsIdle(0, kNow)) << "and is so in the next snapshot";
  after.OnBatch(0, *MakeBatch({1}, {95}), kNow);
  EXPECT_FALSE(after.SplitIsIdle(0, kNow));
  after.OnBatch(1, *MakeBatch({1}, {200}), kNow);
  EXPECT_EQ(after.Advance(kNow), EventTime::FromMicros(95)) << "its record has ended it";
}

TEST(SplitWatermarks, AllRestoredAsIdleGiveTheirWatermarkOnceAndAreIdle) {
  SplitWatermarks watermarks(IdleAfterFiveSeconds());
  for (const char* id : {"a", "b"}) {
    SourceSplit split = Split(id, 70);
    split.idle = true;
    watermarks.AddSplit(split, kNow);
  }
  EXPECT_TRUE(watermarks.idle(kNow));
  EXPECT_EQ(watermarks.UntilNextIdle(kNow), std::nullopt) << "nothing to wait for";
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(70));
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(70));
}

TEST(SplitWatermarks, FinishedIsNotIdleAlsoAfterARestore) {
  const auto strategy = IdleAfterFiveSeconds();
  SplitWatermarks before(strategy);
  before.AddSplit(Split("a", 10), kNow);
  before.MarkFinished(0);
  EXPECT_FALSE(before.SplitIsIdle(0, absl::Seconds(9)));
  EXPECT_FALSE(before.idle(absl::Seconds(9)));
  SplitWatermarks after(strategy);
  after.AddSplit(Again(before, 0, absl::Seconds(9)), kNow);
  EXPECT_FALSE(after.idle(absl::Seconds(9)));
  EXPECT_EQ(after.Advance(absl::Seconds(9)), EventTime::FromMicros(10));
  EXPECT_EQ(after.Advance(absl::Seconds(9)), EventTime::Max());

  // Beside an idle one time does not end.
  SplitWatermarks both(strategy);
  SourceSplit idle = Split("b", 30);
  idle.idle = true;
  both.AddSplit(Split("a", 10, /*finished=*/true), kNow);
  both.AddSplit(idle, kNow);
  EXPECT_TRUE(both.idle(kNow));
  EXPECT_EQ(both.Advance(kNow), EventTime::FromMicros(30));
  EXPECT_EQ(both.Advance(absl::Seconds(9)), std::nullopt);
}

TEST(SplitWatermarks, WhereNoSplitTurnsIdleNoneIsRestoredAsIdle) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  SourceSplit split = Split("a", 10);
  split.idle = true;
  watermarks.AddSplit(split, kNow);
  watermarks.AddSplit(Split("b", 10), kNow);
  watermarks.OnBatch(1, *MakeBatch({1}, {90}), kNow);
  EXPECT_FALSE(watermarks.SplitIsIdle(0, kNow));
  EXPECT_EQ(watermarks.Advance(kNow), EventTime::FromMicros(10)) << "the job says so now";
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
}

TEST(SplitWatermarks, WithoutAGeneratorThereIsNone) {
  SplitWatermarks watermarks(nullptr);
  watermarks.AddSplit(Split("a", 10), kNow);
  EXPECT_EQ(watermarks.Advance(kNow), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(10));
}

}  // namespace
}  // namespace weir::taskmanager

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

/// The looks of a task that has nothing to read from `from` on, up to `to`.
void WaitInVain(SplitWatermarks& watermarks, absl::Duration from, absl::Duration to) {
  absl::Duration at = from;
  watermarks.Look(at, /*ran_dry=*/true);
  for (auto left = watermarks.UntilNextIdle(at); left.has_value() && at + *left < to;
       left = watermarks.UntilNextIdle(at)) {
    at += *left;
    watermarks.Look(at, /*ran_dry=*/true);
  }
  watermarks.Look(to, /*ran_dry=*/true);
}

SourceSplit Split(const std::string& id, std::optional<int64_t> watermark = {},
                  bool finished = false) {
  return SourceSplit{id, "0", watermark, finished};
}

TEST(SplitWatermarks, IsTheMinimumOfTheSplits) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), kNow);
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  watermarks.OnBatch(1, *MakeBatch({1}, {60}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(60));
}

/// What it says next; nothing: keeps silent.
struct Script {
  std::optional<EventTime> on_batch;
  std::optional<EventTime> periodic;
  bool idle = false;
  int asked = 0;  // for periodic watermarks
  int made = 0;
};

class Scripted final : public BatchWatermarkGenerator {
 public:
  explicit Scripted(Script& script) : script_(script) { ++script_.made; }
  std::optional<EventTime> OnBatch(const Batch&) override { return script_.on_batch; }
  std::optional<EventTime> OnPeriodicEmit() override {
    ++script_.asked;
    return script_.periodic;
  }
  bool idle() const override { return script_.idle; }

 private:
  Script& script_;
};

std::shared_ptr<WatermarkStrategySpec> ScriptedStrategy(Script& script) {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = [&script] { return std::make_unique<Scripted>(script); };
  spec->periodic = true;
  return spec;
}

TEST(OwnGenerators, EachSplitHasOneAndARestoredSplitANewOne) {
  Script script;
  script.on_batch = EventTime::FromMicros(40);
  SplitWatermarks watermarks(ScriptedStrategy(script));
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 100), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  EXPECT_EQ(script.made, 2);
  watermarks.OnBatch(0, *MakeBatch({1}), kNow);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(100)) << "what it says anew is lower";
}

TEST(OwnGenerators, LowerOneIsIgnored) {
  Script script;
  SplitWatermarks watermarks(ScriptedStrategy(script), absl::Milliseconds(200));
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  script.on_batch = EventTime::FromMicros(70);
  watermarks.OnBatch(0, *MakeBatch({1}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(70));
  script.on_batch = script.periodic = EventTime::FromMicros(60);
  watermarks.OnBatch(0, *MakeBatch({1}), kNow);
  watermarks.EmitPeriodically(absl::Seconds(1));
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(70));
}

TEST(OwnGenerators, AreAskedOncePerInterval) {
  Script script;
  script.periodic = EventTime::FromMicros(5);
  SplitWatermarks watermarks(ScriptedStrategy(script), absl::Milliseconds(200));
  EXPECT_FALSE(watermarks.emits_now(absl::Hours(1))) << "there is no split";
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  EXPECT_EQ(watermarks.UntilNextChange(kNow), absl::Milliseconds(200));
  EXPECT_FALSE(watermarks.emits_now(absl::Milliseconds(199)));
  EXPECT_TRUE(watermarks.emits_now(absl::Milliseconds(200)));
  watermarks.EmitPeriodically(absl::Milliseconds(250));
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(5));
  EXPECT_FALSE(watermarks.emits_now(absl::Milliseconds(449)));
  EXPECT_EQ(watermarks.UntilNextChange(absl::Milliseconds(300)), absl::Milliseconds(150));
}

TEST(OwnGenerators, AreNotAskedWithoutAnInterval) {
  Script script;
  SplitWatermarks watermarks(ScriptedStrategy(script), absl::ZeroDuration());
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  EXPECT_FALSE(watermarks.emits_now(absl::Hours(1)));
  EXPECT_EQ(watermarks.UntilNextChange(kNow), std::nullopt);
}

TEST(OwnGenerators, OfFinishedAndSilentSplitsAreNotAsked) {
  Script script;
  const auto strategy = ScriptedStrategy(script);
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy, absl::Milliseconds(200));
  ASSERT_TRUE(watermarks.AddSplit(Split("finished", 10, /*finished=*/true), kNow).ok());
  EXPECT_FALSE(watermarks.emits_now(absl::Hours(1)));
  ASSERT_TRUE(watermarks.AddSplit(Split("silent"), kNow).ok());
  WaitInVain(watermarks, kNow, absl::Seconds(6));
  watermarks.EmitPeriodically(absl::Seconds(6));
  EXPECT_EQ(script.asked, 0);
  watermarks.OnBatch(1, *MakeBatch({1}), absl::Seconds(7));
  watermarks.EmitPeriodically(absl::Seconds(8));
  EXPECT_EQ(script.asked, 1);
  watermarks.MarkFinished(1);
  watermarks.EmitPeriodically(absl::Seconds(9));
  EXPECT_EQ(script.asked, 1);
  EXPECT_EQ(watermarks.UntilNextChange(absl::Seconds(9)), std::nullopt);
}

TEST(OwnGenerators, SplitThatIsSaidToBeIdleHoldsNothingBack) {
  Script speaks;
  Script idles;
  int made = 0;
  auto spec = ScriptedStrategy(speaks);
  spec->make_generator = [&] { return std::make_unique<Scripted>(made++ == 0 ? speaks : idles); };
  SplitWatermarks watermarks(spec);
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  speaks.on_batch = EventTime::FromMicros(70);
  watermarks.OnBatch(0, *MakeBatch({1}), kNow);
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  idles.idle = true;
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(70));
  EXPECT_FALSE(watermarks.idle());
  speaks.idle = true;
  EXPECT_TRUE(watermarks.idle());
}

TEST(OwnGenerators, RestoredIdleSplitIsIdleUntilItsGeneratorSaysMore) {
  Script script;
  SplitWatermarks watermarks(ScriptedStrategy(script), absl::Milliseconds(200));
  SourceSplit split = Split("a", 50);
  split.idle = true;
  ASSERT_TRUE(watermarks.AddSplit(split, kNow).ok());
  script.periodic = EventTime::FromMicros(50);
  watermarks.EmitPeriodically(absl::Seconds(1));
  EXPECT_TRUE(watermarks.SplitIsIdle(0)) << "that is no news";
  script.periodic = EventTime::FromMicros(51);
  watermarks.EmitPeriodically(absl::Seconds(2));
  EXPECT_FALSE(watermarks.SplitIsIdle(0));
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(51));
}

TEST(OwnGenerators, EndOfEventTimeIsAWatermarkLikeOthers) {
  Script script;
  script.on_batch = EventTime::Max();
  SplitWatermarks watermarks(ScriptedStrategy(script));
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 30), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(30)) << "the other split goes on";
  EXPECT_FALSE(watermarks.finished(0));
  watermarks.OnBatch(1, *MakeBatch({1}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::Max());
}

TEST(OwnGenerators, FactoryThatGivesNone) {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = [] { return nullptr; };
  SplitWatermarks watermarks(spec);
  EXPECT_EQ(watermarks.AddSplit(Split("a"), kNow).message(),
            "the factory of the watermark generator gave none");
}

TEST(SplitWatermarks, NeverGoesBack) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(100));
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  watermarks.OnBatch(1, *MakeBatch({1}, {60}), kNow);
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
}

TEST(SplitWatermarks, StartsFromTheRestoredWatermarks) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 100), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 80), kNow).ok());
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(80));
}

TEST(SplitWatermarks, SnapshotOfAnIdleSplitCarriesWhatWasSentPastIt) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  watermarks.OnBatch(1, *MakeBatch({1}, {50}), kNow);
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), absl::Seconds(4));
  WaitInVain(watermarks, absl::Seconds(4), absl::Seconds(6));
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(100));

  SplitWatermarks restored(strategy);
  ASSERT_TRUE(restored.AddSplit(Split("a", watermarks.SnapshotOf(0)->micros()), kNow).ok());
  ASSERT_TRUE(restored.AddSplit(Split("b", watermarks.SnapshotOf(1)->micros()), kNow).ok());
  EXPECT_EQ(restored.Advance(), EventTime::FromMicros(100));
}

TEST(SplitWatermarks, SplitFoundAfterARestoreHoldsTheWatermarkAndDoesNotLowerIt) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 100), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("found-late"), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}, {300}), kNow);
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(1), EventTime::FromMicros(100));
  watermarks.OnBatch(1, *MakeBatch({1}, {20}), kNow);
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  watermarks.OnBatch(1, *MakeBatch({1}, {200}), kNow);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(200));
}

TEST(SplitWatermarks, RestoredWatermarkIsSentOnce) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 100), kNow).ok());
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(100));
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
}

TEST(SplitWatermarks, RestoredWatermarkIsNotLoweredByLateRecords) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 100), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}, {40}), kNow);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(100));
}

TEST(SplitWatermarks, FinishedSplitHoldsNothingBack) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 10), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 80), kNow).ok());
  watermarks.MarkFinished(0);
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(80));
}

TEST(SplitWatermarks, AllFinishedIsTheEndOfTime) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 10, /*finished=*/true), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 30, /*finished=*/true), kNow).ok());
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(30)) << "what they had reached";
  EXPECT_EQ(watermarks.Advance(), EventTime::Max());
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
}

TEST(SplitWatermarks, AllIdleIsIdleAndNotTheMaximum) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 10), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 80, /*finished=*/true), kNow).ok());
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(10));
  WaitInVain(watermarks, kNow, absl::Seconds(9));
  EXPECT_TRUE(watermarks.idle());
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
}

TEST(SplitWatermarks, IdleSplitComesBackWithItsNextRecord) {
  const auto strategy = HighestTimeStrategy();
  strategy->idle_after = absl::Seconds(5);
  SplitWatermarks watermarks(strategy);
  ASSERT_TRUE(watermarks.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b"), kNow).ok());
  watermarks.OnBatch(0, *MakeBatch({1}, {100}), absl::Seconds(4));
  WaitInVain(watermarks, absl::Seconds(4), absl::Seconds(5));
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(100));
  watermarks.OnBatch(1, *MakeBatch({1}, {90}), absl::Seconds(6));
  watermarks.OnBatch(0, *MakeBatch({1}, {200}), absl::Seconds(6));
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  EXPECT_EQ(watermarks.UntilNextIdle(absl::Seconds(7)), absl::Seconds(4));
}

// What the snapshot of a split says, given to a new subtask.
SourceSplit Again(const SplitWatermarks& watermarks, size_t split) {
  SourceSplit again = Split(split == 0 ? "a" : "b");
  if (const auto of = watermarks.SnapshotOf(split)) again.watermark_us = of->micros();
  again.finished = watermarks.finished(split);
  again.idle = watermarks.SplitIsIdle(split);
  return again;
}

TEST(SplitWatermarks, IdleSplitIsIdleAfterARestoreUntilItsNextRecord) {
  const auto strategy = IdleAfterFiveSeconds();
  SplitWatermarks before(strategy);
  ASSERT_TRUE(before.AddSplit(Split("a"), kNow).ok());
  ASSERT_TRUE(before.AddSplit(Split("b"), kNow).ok());
  before.OnBatch(0, *MakeBatch({1}, {10}), kNow);
  before.OnBatch(1, *MakeBatch({1}, {50}), absl::Seconds(4));
  WaitInVain(before, absl::Seconds(4), absl::Seconds(6));
  EXPECT_EQ(before.Advance(), EventTime::FromMicros(50));
  EXPECT_TRUE(before.SplitIsIdle(0));
  EXPECT_FALSE(before.SplitIsIdle(1));

  SplitWatermarks after(strategy);
  ASSERT_TRUE(after.AddSplit(Again(before, 0), kNow).ok());
  ASSERT_TRUE(after.AddSplit(Again(before, 1), kNow).ok());
  after.OnBatch(1, *MakeBatch({1}, {90}), kNow);
  EXPECT_EQ(after.Advance(), EventTime::FromMicros(90)) << "the idle one holds nothing back";
  EXPECT_TRUE(after.SplitIsIdle(0)) << "and is so in the next snapshot";
  after.OnBatch(0, *MakeBatch({1}, {95}), kNow);
  EXPECT_FALSE(after.SplitIsIdle(0));
  after.OnBatch(1, *MakeBatch({1}, {200}), kNow);
  EXPECT_EQ(after.Advance(), EventTime::FromMicros(95)) << "its record has ended it";
}

TEST(SplitWatermarks, AllRestoredAsIdleGiveTheirWatermarkOnceAndAreIdle) {
  SplitWatermarks watermarks(IdleAfterFiveSeconds());
  for (const char* id : {"a", "b"}) {
    SourceSplit split = Split(id, 70);
    split.idle = true;
    ASSERT_TRUE(watermarks.AddSplit(split, kNow).ok());
  }
  EXPECT_TRUE(watermarks.idle());
  EXPECT_EQ(watermarks.UntilNextIdle(kNow), std::nullopt) << "nothing to wait for";
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(70));
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(70));
}

TEST(SplitWatermarks, FinishedIsNotIdleAlsoAfterARestore) {
  const auto strategy = IdleAfterFiveSeconds();
  SplitWatermarks before(strategy);
  ASSERT_TRUE(before.AddSplit(Split("a", 10), kNow).ok());
  before.MarkFinished(0);
  WaitInVain(before, kNow, absl::Seconds(9));
  EXPECT_FALSE(before.SplitIsIdle(0));
  EXPECT_FALSE(before.idle());
  SplitWatermarks after(strategy);
  ASSERT_TRUE(after.AddSplit(Again(before, 0), kNow).ok());
  WaitInVain(after, kNow, absl::Seconds(9));
  EXPECT_FALSE(after.idle());
  EXPECT_EQ(after.Advance(), EventTime::FromMicros(10));
  EXPECT_EQ(after.Advance(), EventTime::Max());

  // Beside an idle one time does not end.
  SplitWatermarks both(strategy);
  SourceSplit idle = Split("b", 30);
  idle.idle = true;
  ASSERT_TRUE(both.AddSplit(Split("a", 10, /*finished=*/true), kNow).ok());
  ASSERT_TRUE(both.AddSplit(idle, kNow).ok());
  EXPECT_TRUE(both.idle());
  EXPECT_EQ(both.Advance(), EventTime::FromMicros(30));
  WaitInVain(both, kNow, absl::Seconds(9));
  EXPECT_EQ(both.Advance(), std::nullopt);
}

TEST(SplitWatermarks, WhereNoSplitTurnsIdleNoneIsRestoredAsIdle) {
  SplitWatermarks watermarks(HighestTimeStrategy());
  SourceSplit split = Split("a", 10);
  split.idle = true;
  ASSERT_TRUE(watermarks.AddSplit(split, kNow).ok());
  ASSERT_TRUE(watermarks.AddSplit(Split("b", 10), kNow).ok());
  watermarks.OnBatch(1, *MakeBatch({1}, {90}), kNow);
  EXPECT_FALSE(watermarks.SplitIsIdle(0));
  EXPECT_EQ(watermarks.Advance(), EventTime::FromMicros(10)) << "the job says so now";
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
}

TEST(SplitWatermarks, WithoutAGeneratorThereIsNone) {
  SplitWatermarks watermarks(nullptr);
  ASSERT_TRUE(watermarks.AddSplit(Split("a", 10), kNow).ok());
  EXPECT_EQ(watermarks.Advance(), std::nullopt);
  EXPECT_EQ(watermarks.SnapshotOf(0), EventTime::FromMicros(10));
}

}  // namespace
}  // namespace weir::taskmanager

// Tumbling and sliding windows: docs/protocols/windows.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/api/weir/testing_windows.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SideOutputSink;

constexpr microseconds Us(int64_t micros) { return microseconds(micros); }

WEIR_ON_EACH_BACKEND(TumblingWindow);
WEIR_ON_EACH_BACKEND(SlidingWindow);
WEIR_ON_EACH_BACKEND(WindowState);
WEIR_ON_EACH_BACKEND(WindowFunctions);
WEIR_ON_EACH_BACKEND(ProcessingTimeWindow);
WEIR_ON_EACH_BACKEND(WindowErrors);
WEIR_ON_EACH_BACKEND(WindowInputs);

TEST_P(TumblingWindow, FiresWhenTheWatermarkHasCome) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"b", 2}, {"a", 4}, {"a", 8}}, {0, 9, 9, 10});
  harness.PushWatermark(8);
  EXPECT_THAT(TakeTexts(harness), IsEmpty());
  harness.PushWatermark(9);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 5", "b [0,10) 2"));
  harness.PushWatermark(100);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [10,20) 8"));
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(harness.Watermarks(), ElementsAre(8, 9, 100));
}

TEST_P(TumblingWindow, IsAlignedWithItsOffsetAlsoBefore1970) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10), Us(3))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}, {"a", 8}, {"a", 16}}, {-8, -7, 2, 3, 13});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness),
              ElementsAre("a [-17,-7) 1", "a [-7,3) 6", "a [3,13) 8", "a [13,23) 16"));
}

TEST_P(TumblingWindow, NegativeOffsetMovesTheOtherWay) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10), Us(-3))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}}, {-4, 6, 7});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [-13,-3) 1", "a [-3,7) 2", "a [7,17) 4"));
}

TEST_P(TumblingWindow, LateRowIsCountedAndGoesToTheSideOutput) {
  SideOutputSink<Click> late;
  ClicksHarness harness(
      [&](const DataStream<Click>& clicks) {
        const auto result = ClicksIn(Tumbling(Us(10)))(clicks);
        result.GetSideOutput(LateClicks()).SinkTo(late.sink());
        return result;
      },
      Options());
  harness.PushWatermark(9);
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 3}}, {9, 10, 0});
  harness.Finish();
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [10,20) 2"));
  ASSERT_EQ(late.records().size(), 2u);
  EXPECT_EQ(late.records()[0].count, 1);
  EXPECT_EQ(late.records()[1].count, 3);
  EXPECT_EQ(harness.Books("clicks").late, 2u);
}

TEST_P(TumblingWindow, LateRowIsCountedWhereNobodyReadsIt) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10))), Options());
  harness.PushWatermark(9);
  harness.Push({"a", 1}, 9);
  EXPECT_EQ(harness.Books("clicks").late, 1u);
  EXPECT_EQ(harness.Books("clicks").records_out, 0u);
}

TEST_P(TumblingWindow, RowWithinTheAllowedLatenessFiresAgain) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10)), Us(5)), Options());
  harness.Push({"a", 1}, 3);
  harness.PushWatermark(9);
  harness.PushBatch({{"a", 2}, {"a", 4}}, {4, 5});
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 1", "a [0,10) 7"))
      << "once for all late rows of a batch";
  harness.Push({"a", 16}, 5);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 23")) << "and again for the next";
  harness.PushWatermark(13);
  harness.Push({"b", 1}, 9);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [0,10) 1")) << "a window that had no row in time";
  harness.PushWatermark(14);
  harness.Push({"a", 8}, 9);
  EXPECT_THAT(TakeTexts(harness), IsEmpty());
  EXPECT_EQ(harness.Books("clicks").late, 1u);
}

TEST_P(SlidingWindow, EveryRowIsInAllItsWindows) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(5))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}}, {0, 7, 12});
  harness.Finish();
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness),
              ElementsAre("a [-5,5) 1", "a [0,10) 3", "a [5,15) 6", "a [10,20) 4"));
}

TEST_P(SlidingWindow, SizeNeedNotBeAMultipleOfTheSlide) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(4), Us(1))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}}, {0, 5});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness),
              ElementsAre("a [-7,3) 1", "a [-3,7) 3", "a [1,11) 2", "a [5,15) 2"));
}

TEST_P(SlidingWindow, RowInAGapBetweenWindowsIsFiltered) {
  ClicksHarness harness(ClicksIn(Sliding(Us(4), Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}}, {3, 4, 12});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,4) 1", "a [10,14) 4"));
  EXPECT_EQ(harness.Books("clicks").filtered, 1u);
}

TEST_P(SlidingWindow, RowThatIsLateForSomeOfItsWindowsIsInTheOthers) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(5))), Options());
  harness.PushWatermark(9);
  harness.Push({"a", 1}, 7);
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [5,15) 1"));
  EXPECT_EQ(harness.Books("clicks").late, 0u);
}

TEST_P(SlidingWindow, LateRowsOfABatchFireEachOfTheirWindowsOnce) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(5)), Us(20)), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}}, {0, 7, 21});
  harness.PushWatermark(14);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [-5,5) 1", "a [0,10) 3", "a [5,15) 2"));
  harness.PushBatch({{"a", 8}, {"a", 16}, {"a", 32}}, {1, 8, 2});
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [-5,5) 41", "a [0,10) 59", "a [5,15) 18"));
  harness.Push({"a", 64}, 12);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [5,15) 82")) << "the other has not fired yet";
  harness.PushWatermark(50);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [10,20) 64", "a [15,25) 4", "a [20,30) 4"));
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_EQ(harness.error(), "");
}

TEST_P(SlidingWindow, LateRowFiresNoWindowThatItIsNotIn) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(5)), Us(100)), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 4}}, {0, 22, 0});
  harness.PushWatermark(50);
  TakeTexts(harness);
  harness.PushBatch({{"a", 8}, {"b", 8}, {"a", 16}}, {2, 21, 20});
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [-5,5) 9", "a [0,10) 9", "a [15,25) 18",
                                              "b [15,25) 8", "a [20,30) 18", "b [20,30) 8"));
}

TEST_P(SlidingWindow, KeyHasOneTimerForAllItsWindows) {
  ClicksHarness harness(ClicksIn(Sliding(Us(1000), Us(1))), Options());
  for (int64_t time = 0; time < 50; ++time) harness.Push({"a", 1}, 0);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{1, 1}));
  harness.PushWatermark(500);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{1, 1}));
  harness.PushWatermark(999);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
}

TEST_P(WindowState, IsGoneWhenTheLatenessIsOver) {
  ClicksHarness harness(ClicksIn(Sliding(Us(10), Us(5)), Us(7)), Options());
  harness.PushBatch({{"a", 1}, {"b", 2}, {"a", 4}}, {0, 7, 12});
  harness.PushWatermark(19 + 6);
  harness.Push({"a", 1}, 12);
  EXPECT_NE(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  harness.PushWatermark(19 + 7);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_EQ(harness.error(), "");
}

TEST_P(WindowState, EndOfInputFiresAndRemovesEverything) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10)), std::chrono::hours(24)), Options());
  harness.Push({"a", 1}, 0);
  harness.PushWatermark(EventTime::Max().micros());
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 1"));
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
}

TEST_P(WindowFunctions, ReduceHasTheWindowsTime) {
  testing::OperatorTestHarness<Click, Click> harness(
      [](const DataStream<Click>& clicks) {
        return clicks.KeyBy(&Click::user)
            .Window(Sliding(Us(10), Us(5)))
            .Reduce([](const Click& a, const Click& b) {
              return Click{a.user, a.count + b.count};
            });
      },
      Options());
  harness.PushBatch({{"a", 1}, {"a", 2}}, {6, 7});
  harness.PushWatermark(9);
  ASSERT_EQ(harness.Outputs().size(), 1u);
  EXPECT_EQ(harness.Outputs()[0].record.count, 3);
  EXPECT_EQ(harness.Outputs()[0].event_time_us, 9);
}

class Largest final : public ProcessWindowFunction<Click, Clicks, std::string> {
 public:
  void Process(const std::string& user, WindowContext& context, std::span<const Click> clicks,
               Collector<Clicks>& out) override {
    int64_t largest = 0;
    for (const Click& click : clicks) largest = std::max(largest, click.count);
    out.Collect(
        Clicks{user, context.Window().start_micros(), context.Window().end_micros(), largest});
    context.Output(OutputTag<int64_t>("rows"), static_cast<int64_t>(clicks.size()));
  }
};

TEST_P(WindowFunctions, ProcessSeesAllRowsAndHasSideOutputs) {
  SideOutputSink<int64_t> rows;
  ClicksHarness harness(
      [&](const DataStream<Click>& clicks) {
        const auto result =
            clicks.KeyBy(&Click::user).Window(Sliding(Us(10), Us(5))).Process(Largest());
        result.GetSideOutput(OutputTag<int64_t>("rows")).SinkTo(rows.sink());
        return result;
      },
      Options());
  harness.PushBatch({{"a", 5}, {"a", 2}, {"a", 4}}, {6, 7, 12});
  harness.Finish();
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 5", "a [5,15) 5", "a [10,20) 4"));
  EXPECT_THAT(rows.records(), ElementsAre(2, 3, 1));
}

class TimeOfFiring final : public ProcessWindowFunction<Click, Clicks, std::string> {
 public:
  void Process(const std::string& user, WindowContext& context, std::span<const Click>,
               Collector<Clicks>& out) override {
    const int64_t now = context.CurrentProcessingTime().time_since_epoch().count();
    out.Collect(Clicks{user, context.Window().start_micros(), context.Window().end_micros(), now});
  }
};

TEST_P(WindowFunctions, ProcessIsToldTheClocksTime) {
  ClicksHarness harness(
      [](const DataStream<Click>& clicks) {
        return clicks.KeyBy(&Click::user)
            .Window(Tumbling(Us(10)))
            .AllowedLateness(Us(100))
            .Process(TimeOfFiring());
      },
      Options());
  harness.SetProcessingTime(1000);
  harness.PushBatch({{"a", 5}, {"a", 2}}, {6, 12});
  harness.SetProcessingTime(2000);
  harness.PushWatermark(10);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 2000"));
  harness.SetProcessingTime(3000);
  harness.Push({"a", 1}, 7);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 3000")) << "a late row fires it again";
}

TEST_P(ProcessingTimeWindow, FiresByTheClock) {
  ClicksHarness harness(ClicksIn(SlidingProcessingTime(Us(10), Us(5))), Options());
  harness.SetProcessingTime(7);
  harness.PushBatch({{"a", 1}, {"a", 2}});
  harness.SetProcessingTime(9);
  EXPECT_THAT(TakeTexts(harness), IsEmpty()) << "its last microsecond is not over";
  harness.PushBatch({{"a", 4}}, {-100});
  harness.SetProcessingTime(10);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 7"));
  harness.SetProcessingTime(15);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [5,15) 7"));
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_EQ(harness.error(), "");
}

TEST_P(WindowErrors, RowsWithoutEventTimes) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10))), Options());
  EXPECT_FALSE(harness.Push({"a", 1}));
  EXPECT_THAT(harness.error(), HasSubstr("event-time windows were given rows without event times"));
}

TEST_P(WindowInputs, WatermarkIsTheLowestOfThoseThatAreNotIdle) {
  ClicksHarness harness(ClicksIn(Tumbling(Us(10))), Options({.inputs = 2}));
  harness.Push({"a", 1}, 0);
  harness.PushWatermark(20, 0);
  EXPECT_THAT(TakeTexts(harness), IsEmpty());
  harness.PushIdle(true, 1);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 1"));
  harness.PushBatch({{"a", 2}}, {15}, std::nullopt, 1);
  harness.PushIdle(true, 0);
  harness.Finish();
  EXPECT_EQ(harness.Books("clicks").late, 1u) << "its input was idle, and others went on";
}

}  // namespace
}  // namespace weir

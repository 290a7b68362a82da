// Session windows: docs/protocols/windows.md.
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
using ::testing::IsEmpty;

constexpr microseconds Us(int64_t micros) { return microseconds(micros); }

WEIR_ON_EACH_BACKEND(SessionWindow);
WEIR_ON_EACH_BACKEND(SessionLateness);

TEST_P(SessionWindow, EndsWhereAKeyHasNoRowForAGap) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 4}, {"a", 8}}, {0, 9, 12, 30});
  harness.PushWatermark(18);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,19) 3"));
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [12,22) 4", "a [30,40) 8"));
  EXPECT_EQ(harness.error(), "");
}

TEST_P(SessionWindow, SessionsThatTouchAreOne) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 1}, {"b", 2}}, {0, 10, 0, 11});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [0,10) 1", "a [0,20) 3", "b [11,21) 2"));
}

TEST_P(SessionWindow, RowJoinsTheSessionsThatItMeets) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}, {"a", 8}}, {0, 15, 40, 8});
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{2, 2}));
  harness.PushWatermark(24);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,25) 11"));
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [40,50) 4"));
}

TEST_P(SessionWindow, RowMeetsThoseAroundItOnly) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}, {"a", 8}, {"a", 16}}, {60, 0, -50, 30, -45});
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{4, 4}));
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness),
              ElementsAre("a [-50,-35) 20", "a [0,10) 2", "a [30,40) 8", "a [60,70) 1"));
}

TEST_P(SessionWindow, EarlierRowMovesTheStart) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"a", 2}}, {15, 6});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [6,25) 3"));
}

TEST_P(SessionWindow, RowsInOrderNeedOneTimer) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  for (int64_t time = 0; time < 100; ++time) harness.Push({"a", 1}, time);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{1, 1}));
  harness.PushWatermark(107);
  EXPECT_THAT(TakeTexts(harness), IsEmpty());
  harness.PushWatermark(108);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,109) 100")) << harness.error();
}

TEST_P(SessionWindow, LateRowMeetsNoLivingSession) {
  ClicksHarness harness(ClicksIn(Session(Us(10))), Options());
  harness.PushBatch({{"a", 1}, {"b", 1}}, {15, 0});
  harness.PushWatermark(20);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [0,10) 1"));
  harness.PushBatch({{"a", 2}, {"b", 2}}, {6, 6});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [6,25) 3"))
      << "a row below the watermark joins what is alive";
  EXPECT_EQ(harness.Books("clicks").late, 1u);
}

TEST_P(SessionWindow, RowWithinTheAllowedLatenessFiresAgain) {
  ClicksHarness harness(ClicksIn(Session(Us(10)), Us(20)), Options());
  harness.Push({"a", 1}, 0);
  harness.PushWatermark(9);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 1"));
  harness.Push({"a", 2}, 4);
  harness.PushWatermark(13);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,14) 3")) << "its end is not behind yet";
  harness.Push({"a", 4}, 3);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,14) 7")) << "fires at once";
  harness.PushWatermark(32);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{1, 1}));
  harness.PushWatermark(33);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  harness.Push({"a", 8}, 4);
  EXPECT_EQ(harness.Books("clicks").late, 1u);
  EXPECT_EQ(harness.error(), "");
}

TEST_P(SessionWindow, LateRowsOfABatchFireItOnce) {
  ClicksHarness harness(ClicksIn(Session(Us(10)), Us(20)), Options());
  harness.Push({"a", 1}, 0);
  harness.PushWatermark(15);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,10) 1"));
  harness.PushBatch({{"a", 2}, {"a", 4}, {"a", 8}}, {1, 2, 3});
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,13) 15"));
  harness.PushBatch({{"a", 16}, {"a", 32}}, {4, 9});
  EXPECT_THAT(TakeTexts(harness), IsEmpty()) << "the second row has moved its end ahead";
  harness.PushWatermark(18);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,19) 63"));
  harness.PushWatermark(38);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_EQ(harness.error(), "");
}

/// A harness with the state of another, and another lateness.
void RestoreWithLateness(ClicksHarness& before, ClicksHarness& after) {
  ASSERT_TRUE(after.Restore(before.Snapshot().value_or(""))) << after.error();
}

TEST_P(SessionLateness, MayBecomeShorterAndSessionsMayShareATimer) {
  ClicksHarness before(ClicksIn(Session(Us(10)), Us(20)), Options());
  before.Push({"a", 1}, 0);
  before.PushWatermark(9);  // leaves at 29
  ClicksHarness after(ClicksIn(Session(Us(10)), Us(9)), Options());
  RestoreWithLateness(before, after);
  after.Push({"a", 2}, 11);
  after.PushWatermark(20);  // leaves at 29, too
  EXPECT_THAT(TakeTexts(after), ElementsAre("a [11,21) 2"));
  after.PushWatermark(29);
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
}

TEST_P(SessionLateness, MayBecomeLonger) {
  ClicksHarness before(ClicksIn(Session(Us(10)), Us(5)), Options());
  before.Push({"a", 1}, 0);
  before.PushWatermark(9);  // leaves at 14
  ClicksHarness after(ClicksIn(Session(Us(10)), Us(50)), Options());
  RestoreWithLateness(before, after);
  after.PushWatermark(20);
  after.Push({"a", 2}, 0);
  EXPECT_THAT(TakeTexts(after), ElementsAre("a [0,10) 3"));
  after.PushWatermark(58);
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{1, 1}));
  after.PushWatermark(59);
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
}

TEST_P(SessionLateness, OneOfTwoWithTheSameTimerGetsAnother) {
  ClicksHarness before(ClicksIn(Session(Us(10)), Us(5)), Options());
  before.Push({"a", 1}, 11);
  before.PushWatermark(20);  // leaves at 25
  ClicksHarness after(ClicksIn(Session(Us(10)), Us(16)), Options());
  RestoreWithLateness(before, after);
  after.Push({"a", 2}, 0);  // fires at once, and leaves at 25, too
  EXPECT_THAT(TakeTexts(after), ElementsAre("a [0,10) 2"));
  after.Push({"a", 4}, 12);
  after.PushWatermark(25);
  EXPECT_THAT(TakeTexts(after), ElementsAre("a [11,22) 5"));
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{1, 1})) << "the first one is gone";
  after.PushWatermark(21 + 16);
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
}

}  // namespace
}  // namespace weir

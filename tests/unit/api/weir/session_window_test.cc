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

TEST(SessionWindow, EndsWhereAKeyHasNoRowForAGap) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 4}, {"a", 8}}, {0, 9, 12, 30});
  harness.PushWatermark(18);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,19) 3"));
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [12,22) 4", "a [30,40) 8"));
  EXPECT_EQ(harness.error(), "");
}

TEST(SessionWindow, SessionsThatTouchAreOne) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 1}, {"b", 2}}, {0, 10, 0, 11});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [0,10) 1", "a [0,20) 3", "b [11,21) 2"));
}

TEST(SessionWindow, RowJoinsTheSessionsThatItMeets) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  harness.PushBatch({{"a", 1}, {"a", 2}, {"a", 4}, {"a", 8}}, {0, 15, 40, 8});
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{2, 2}));
  harness.PushWatermark(24);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,25) 11"));
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [40,50) 4"));
}

TEST(SessionWindow, EarlierRowMovesTheStart) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  harness.PushBatch({{"a", 1}, {"a", 2}}, {15, 6});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [6,25) 3"));
}

TEST(SessionWindow, RowsInOrderNeedOneTimer) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  for (int64_t time = 0; time < 100; ++time) harness.Push({"a", 1}, time);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{1, 1}));
  harness.PushWatermark(107);
  EXPECT_THAT(TakeTexts(harness), IsEmpty());
  harness.PushWatermark(108);
  EXPECT_EQ(ContentsOf(*harness.Snapshot()), (KeyedContents{0, 0}));
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [0,109) 100")) << harness.error();
}

TEST(SessionWindow, LateRowMeetsNoLivingSession) {
  ClicksHarness harness(ClicksIn(Session(Us(10))));
  harness.PushBatch({{"a", 1}, {"b", 1}}, {15, 0});
  harness.PushWatermark(20);
  EXPECT_THAT(TakeTexts(harness), ElementsAre("b [0,10) 1"));
  harness.PushBatch({{"a", 2}, {"b", 2}}, {6, 6});
  harness.Finish();
  EXPECT_THAT(TakeTexts(harness), ElementsAre("a [6,25) 3"))
      << "a row below the watermark joins what is alive";
  EXPECT_EQ(harness.Books("clicks").late, 1u);
}

TEST(SessionWindow, RowWithinTheAllowedLatenessFiresAgain) {
  ClicksHarness harness(ClicksIn(Session(Us(10)), Us(20)));
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

}  // namespace
}  // namespace weir

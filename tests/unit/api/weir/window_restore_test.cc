// Windows over checkpoints: docs/protocols/windows.md, invariants W1 and W2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/unit/api/weir/window_fleet.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr microseconds Us(int64_t micros) { return microseconds(micros); }

/// Keys enough for several slices of timers.
constexpr int64_t kManyKeys = 3000;

std::vector<Click> OneOfEach(int64_t keys) {
  std::vector<Click> clicks;
  for (int64_t key = 0; key < keys; ++key) clicks.push_back({absl::StrCat("u", key), key});
  return clicks;
}

std::vector<std::string> Expected(int64_t keys, const std::string& window) {
  std::vector<std::string> texts;
  for (int64_t key = 0; key < keys; ++key) texts.push_back(absl::StrCat("u", key, window, key));
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::string UserOf(uint32_t subtask, uint32_t parallelism) {
  for (int64_t i = 0;; ++i) {
    std::string user = absl::StrCat("u", i);
    if (SubtaskOf(user, parallelism) == subtask) return user;
  }
}

WEIR_ON_EACH_BACKEND(WindowRestore);

TEST_P(WindowRestore, BarrierInTheMiddleOfFiringCutsBetweenWindows) {
  const auto windows = ClicksIn(Tumbling(Us(10)));
  // The barrier comes behind the first slice, the second, ...
  for (int slices = 1; slices <= 5; ++slices) {
    ClicksHarness before(windows, Options());
    before.PushBatch(OneOfEach(kManyKeys), std::vector<int64_t>(kManyKeys, 5));
    before.HoldOutput(true);
    before.PushWatermark(9);
    std::vector<std::string> texts;
    for (int slice = 1; slice < slices; ++slice) {
      before.PassOutput();
      for (const std::string& text : TakeTexts(before)) texts.push_back(text);
    }
    const std::string snapshot = before.Snapshot().value_or("");
    EXPECT_THAT(before.Watermarks(), IsEmpty()) << "begun, not sent on";
    before.PassOutput();
    for (const std::string& text : TakeTexts(before)) texts.push_back(text);
    EXPECT_FALSE(texts.empty());
    EXPECT_LT(texts.size(), static_cast<size_t>(kManyKeys));

    ClicksHarness after(windows, Options());
    ASSERT_TRUE(after.Restore(snapshot)) << after.error();
    for (const std::string& text : TakeTexts(after)) texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    EXPECT_EQ(texts, Expected(kManyKeys, " [0,10) ")) << slices << " slices";
    after.Push({"u1", 1}, 9);
    after.PushWatermark(9);
    after.PushWatermark(20);
    EXPECT_THAT(TakeTexts(after), IsEmpty()) << "no window is born again";
    EXPECT_EQ(after.Books("clicks").late, 1u);
    EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
  }
}

TEST_P(WindowRestore, WhatIsDueFiresBeforeAnyRow) {
  const auto windows = ClicksIn(Tumbling(Us(10)), Us(100));
  ClicksHarness before(windows, Options());
  before.PushBatch(OneOfEach(kManyKeys), std::vector<int64_t>(kManyKeys, 5));
  before.HoldOutput(true);
  before.PushWatermark(9);
  const std::string snapshot = before.Snapshot().value_or("");

  // Within the lateness each window fires with what it had, and then again with the new row.
  ClicksHarness after(windows, Options());
  ASSERT_TRUE(after.Restore(snapshot));
  after.Push({"u2999", 1}, 5);
  const std::vector<std::string> texts = TakeTexts(after);
  ASSERT_FALSE(texts.empty());
  EXPECT_EQ(texts.back(), "u2999 [0,10) 3000");
  EXPECT_EQ(std::count(texts.begin(), texts.end(), "u2999 [0,10) 2999"), 1);
}

// The windows that one late row fires again come out in slices, too.
TEST_P(WindowRestore, BarrierInTheMiddleOfFiringAgainCutsBetweenWindows) {
  const auto windows = ClicksIn(Sliding(Us(1000), Us(1)), Us(5000));
  std::vector<std::string> expected;
  for (int64_t end = 501; end <= 1500; ++end) {
    expected.push_back(absl::StrCat("a [", end - 1000, ",", end, ") 5"));
  }
  std::sort(expected.begin(), expected.end());
  for (int slices = 1; slices <= 4; ++slices) {
    ClicksHarness before(windows, Options());
    before.Push({"a", 1}, 500);
    before.PushWatermark(2000);
    EXPECT_EQ(TakeTexts(before).size(), 1000u);
    before.HoldOutput(true);
    before.Push({"a", 4}, 500);
    std::vector<std::string> texts;
    for (int slice = 1; slice < slices; ++slice) {
      before.PassOutput();
      for (const std::string& text : TakeTexts(before)) texts.push_back(text);
    }
    const std::string snapshot = before.Snapshot().value_or("");
    before.PassOutput();
    for (const std::string& text : TakeTexts(before)) texts.push_back(text);
    EXPECT_FALSE(texts.empty());
    if (slices < 4) {
      EXPECT_LT(texts.size(), expected.size());
    }

    ClicksHarness after(windows, Options());
    ASSERT_TRUE(after.Restore(snapshot)) << after.error();
    for (const std::string& text : TakeTexts(after)) texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    EXPECT_EQ(texts, expected) << slices << " slices";
    after.PushWatermark(10000);
    EXPECT_THAT(TakeTexts(after), IsEmpty());
    EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
  }
}

// Two slices of each key have late rows: their walks meet at the second window, and the barrier
// comes between the two timers of one key.
TEST_P(WindowRestore, BarrierWhereTwoWalksMeetFiresTheirWindowOnce) {
  const auto windows = ClicksIn(Sliding(Us(3), Us(1)), Us(5000));
  for (const int64_t keys : {200, 201, 202, 203}) {
    ClicksHarness before(windows, Options());
    before.PushBatch(OneOfEach(keys), std::vector<int64_t>(static_cast<size_t>(keys), 500));
    before.PushWatermark(2000);
    TakeTexts(before);
    before.HoldOutput(true);
    std::vector<Click> late = OneOfEach(keys);
    std::vector<int64_t> times(late.size(), 500);
    for (const Click& click : OneOfEach(keys)) {
      late.push_back(click);
      times.push_back(501);
    }
    before.PushBatch(late, times);
    const std::string snapshot = before.Snapshot().value_or("");
    before.PassOutput();
    std::vector<std::string> texts = TakeTexts(before);
    EXPECT_LT(texts.size(), static_cast<size_t>(4 * keys));
    ClicksHarness after(windows, Options());
    ASSERT_TRUE(after.Restore(snapshot)) << after.error();
    for (const std::string& text : TakeTexts(after)) texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    EXPECT_EQ(texts.size(), static_cast<size_t>(4 * keys)) << "ends 501 to 504";
    EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end()) << keys;
  }
}

TEST_P(WindowRestore, SessionsThatAreToFireAgainDo) {
  const auto windows = ClicksIn(Session(Us(10)), Us(100));
  ClicksHarness before(windows, Options());
  before.PushBatch(OneOfEach(kManyKeys), std::vector<int64_t>(kManyKeys, 5));
  before.PushWatermark(14);
  TakeTexts(before);
  before.HoldOutput(true);
  before.PushBatch(OneOfEach(kManyKeys), std::vector<int64_t>(kManyKeys, 5));
  const std::string snapshot = before.Snapshot().value_or("");
  before.PassOutput();
  std::vector<std::string> texts = TakeTexts(before);
  EXPECT_LT(texts.size(), static_cast<size_t>(kManyKeys));

  ClicksHarness after(windows, Options());
  ASSERT_TRUE(after.Restore(snapshot)) << after.error();
  for (const std::string& text : TakeTexts(after)) texts.push_back(text);
  EXPECT_EQ(texts.size(), static_cast<size_t>(kManyKeys)) << "each once";
  EXPECT_NE(std::find(texts.begin(), texts.end(), "u7 [5,15) 14"), texts.end());
  after.PushWatermark(114);
  EXPECT_EQ(ContentsOf(*after.Snapshot()), (KeyedContents{0, 0}));
}

TEST_P(WindowRestore, AtOtherParallelism) {
  WindowFleet fleet(ClicksIn(Sliding(Us(10), Us(5)), Us(3)), 1, Options());
  const std::vector<int64_t> times(100, 7);
  fleet.Push(OneOfEach(100), times);
  fleet.PushWatermark(9);
  EXPECT_EQ(fleet.TakeTexts(), Expected(100, " [0,10) "));
  fleet.Restart(3);
  EXPECT_THAT(fleet.TakeTexts(), IsEmpty());
  fleet.PushWatermark(11);
  fleet.Restart(2);
  fleet.Push({{"u0", 1}}, {3});
  EXPECT_THAT(fleet.TakeTexts(), ElementsAre("u0 [0,10) 1")) << "late, and within the lateness";
  fleet.PushWatermark(12);
  fleet.Push({{"u0", 1}}, {3});
  EXPECT_EQ(fleet.late(), 1u);
  fleet.PushWatermark(100);
  EXPECT_EQ(fleet.TakeTexts().size(), 100u);
  EXPECT_EQ(fleet.Contents(), (KeyedContents{0, 0}));
  EXPECT_EQ(fleet.error(), "");
}

TEST_P(WindowRestore, GroupsKeepTheirOwnWatermarks) {
  WindowFleet fleet(ClicksIn(Tumbling(Us(10))), 2, Options());
  const std::string ahead = UserOf(0, 2);
  const std::string behind = UserOf(1, 2);
  fleet.Push({{ahead, 1}, {behind, 1}, {ahead, 8}, {behind, 8}}, {65, 65, 105, 105});
  fleet.subtask(0).PushWatermark(99);
  fleet.subtask(1).PushWatermark(49);
  EXPECT_THAT(fleet.TakeTexts(), ElementsAre(absl::StrCat(ahead, " [60,70) 1")));
  fleet.Restart(1);
  EXPECT_THAT(fleet.TakeTexts(), IsEmpty());
  fleet.Push({{ahead, 2}, {behind, 2}}, {65, 65});
  fleet.PushWatermark(69);
  EXPECT_THAT(fleet.TakeTexts(), ElementsAre(absl::StrCat(behind, " [60,70) 3")))
      << "the window of the key that was ahead has been committed";
  EXPECT_EQ(fleet.late(), 1u);
  fleet.Restart(3);
  fleet.Push({{ahead, 4}, {behind, 4}}, {95, 95});
  EXPECT_EQ(fleet.late(), 2u);
  fleet.PushWatermark(200);
  std::vector<std::string> expected = {absl::StrCat(ahead, " [100,110) 8"),
                                       absl::StrCat(behind, " [90,100) 4"),
                                       absl::StrCat(behind, " [100,110) 8")};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(fleet.TakeTexts(), expected);
  EXPECT_EQ(fleet.error(), "");
}

TEST_P(WindowRestore, OnlyDueGroupsFireWhenOneOfTwoWasFiring) {
  WindowFleet fleet(ClicksIn(Tumbling(Us(10))), 2, Options());
  fleet.Push(OneOfEach(kManyKeys), std::vector<int64_t>(kManyKeys, 5));
  fleet.subtask(0).HoldOutput(true);
  fleet.subtask(0).PushWatermark(9);
  fleet.Restart(1);
  const std::vector<std::string> first = fleet.TakeTexts();
  for (const std::string& text : first) {
    EXPECT_EQ(SubtaskOf(text.substr(0, text.find(' ')), 2), 0u) << text;
  }
  fleet.PushWatermark(9);
  std::vector<std::string> all = fleet.TakeTexts();
  EXPECT_GT(all.size(), 1000u);
  all.insert(all.end(), first.begin(), first.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, Expected(kManyKeys, " [0,10) "));
}

TEST_P(WindowRestore, EmptyGroupsRememberTheirWatermark) {
  WindowFleet fleet(ClicksIn(Tumbling(Us(10))), 2, Options());
  fleet.PushWatermark(50);
  fleet.Restart(3);
  fleet.Push(OneOfEach(20), std::vector<int64_t>(20, 5));
  fleet.PushWatermark(50);
  EXPECT_THAT(fleet.TakeTexts(), IsEmpty());
  EXPECT_EQ(fleet.late(), 20u);
}

}  // namespace
}  // namespace weir

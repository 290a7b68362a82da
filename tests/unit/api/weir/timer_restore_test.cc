// Timers of a KeyedProcessFunction over checkpoints, at 1 -> 3 -> 2: each fires once, whenever the
// barrier came; docs/protocols/windows.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/unit/api/weir/on_each_backend.h"
#include "tests/unit/api/weir/window_fleet.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What a row tells the function to do with a timer at the row's count.
enum Command : int64_t { kEventTime = 0, kProcessingTime = 1, kDeleteEventTime = 2, kDelete = 3 };

/// A row's event time is its command, so that one batch may have several. A timer that fires says
/// its domain, its time, and how many of its key have fired.
class TimersOnCommand final : public KeyedProcessFunction<std::string, Click, Clicks> {
 public:
  void Open(RuntimeContext& context) override {
    fired_ = context.GetState(ValueStateDescriptor<int64_t>("fired"));
  }
  void ProcessElement(const Click::View& row, Context& context, Collector<Clicks>&) override {
    const Timestamp at = Timestamp(microseconds(row.count));
    switch (context.Timestamp()->time_since_epoch().count()) {
      case kEventTime:
        return context.Timers().RegisterEventTimeTimer(at);
      case kProcessingTime:
        return context.Timers().RegisterProcessingTimeTimer(at);
      case kDeleteEventTime:
        return context.Timers().DeleteEventTimeTimer(at);
      default:
        return context.Timers().DeleteProcessingTimeTimer(at);
    }
  }
  void OnTimer(Timestamp time, Context& context, Collector<Clicks>& out) override {
    const int64_t fired = fired_.Value().value_or(0) + 1;
    fired_.Update(fired);
    const int64_t at = time.time_since_epoch().count();
    const bool event_time = context.Domain() == TimeDomain::kEventTime;
    out.Collect(Clicks{context.CurrentKey(), event_time ? kEventTime : kProcessingTime, at, fired});
  }

 private:
  ValueState<int64_t> fired_;
};

ClicksHarness::Pipeline Timers() {
  return [](const DataStream<Click>& clicks) {
    return clicks.KeyBy(&Click::user).Process(TimersOnCommand()).Name("clicks");
  };
}

class TimerRestore : public OnEachBackend {
 protected:
  static constexpr int64_t kKeys = 600;
  static std::string UserOf(int64_t key) { return absl::StrCat("u", key); }

  /// Of all keys, at these times.
  void Tell(WindowFleet& fleet, Command command, const std::vector<int64_t>& times) {
    std::vector<Click> rows;
    for (int64_t key = 0; key < kKeys; ++key) {
      for (const int64_t time : times) rows.push_back({UserOf(key), time});
    }
    fleet.Push(rows, std::vector<int64_t>(rows.size(), command));
  }
  /// That each key's timer at `time` has fired, its n-th.
  static void Expect(std::vector<std::string>* expected, Command domain, int64_t time, int64_t n) {
    for (int64_t key = 0; key < kKeys; ++key) {
      expected->push_back(
          absl::StrCat(UserOf(key), " [", static_cast<int64_t>(domain), ",", time, ") ", n));
    }
    std::sort(expected->begin(), expected->end());
  }
  static std::vector<std::string> Fired(Command domain, int64_t time, int64_t n) {
    std::vector<std::string> expected;
    Expect(&expected, domain, time, n);
    return expected;
  }
  /// WindowFleet's texts say so of what has not a window's time.
  static std::vector<std::string> Take(WindowFleet& fleet) {
    std::vector<std::string> texts = fleet.TakeTexts();
    for (std::string& text : texts) text = text.substr(0, text.find(" at another time"));
    std::sort(texts.begin(), texts.end());
    return texts;
  }
};

WEIR_INSTANTIATE_ON_EACH_BACKEND(TimerRestore);

TEST_P(TimerRestore, EventTimeTimersFireOnceAtOneThenThreeThenTwo) {
  WindowFleet fleet(Timers(), 1, Options());
  Tell(fleet, kEventTime, {10, 20, 30, 40});
  fleet.PushWatermark(10);
  EXPECT_EQ(Take(fleet), Fired(kEventTime, 10, 1));
  fleet.Restart(3);
  EXPECT_THAT(Take(fleet), IsEmpty()) << "fired before the checkpoint";
  fleet.PushWatermark(10);
  EXPECT_THAT(Take(fleet), IsEmpty()) << "sources send it again";
  fleet.PushWatermark(25);
  EXPECT_EQ(Take(fleet), Fired(kEventTime, 20, 2)) << "with the state of its key";
  fleet.Restart(2);
  fleet.PushWatermark(25);
  EXPECT_THAT(Take(fleet), IsEmpty());
  fleet.PushWatermark(100);
  std::vector<std::string> expected = Fired(kEventTime, 30, 3);
  Expect(&expected, kEventTime, 40, 4);
  EXPECT_EQ(Take(fleet), expected);
  EXPECT_EQ(fleet.Contents().timers, 0u);
  EXPECT_EQ(fleet.error(), "");
}

TEST_P(TimerRestore, ProcessingTimeTimersThatWereDueMeanwhileFireOnceAfterTheRestore) {
  WindowFleet fleet(Timers(), 1, Options());
  fleet.SetProcessingTime(5);
  Tell(fleet, kProcessingTime, {10, 20, 30, 40});
  fleet.SetProcessingTime(10);
  EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 10, 1));
  fleet.Restart(3, 25);  // it is 25 when the job is up again
  EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 20, 2)) << "due while nobody ran";
  fleet.SetProcessingTime(29);
  EXPECT_THAT(Take(fleet), IsEmpty());
  fleet.SetProcessingTime(30);
  EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 30, 3));
  fleet.Restart(2);
  EXPECT_THAT(Take(fleet), IsEmpty()) << "none of those that have fired, none that is not due";
  fleet.Restart(1, 1000);
  EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 40, 4));
  EXPECT_EQ(fleet.Contents().timers, 0u);
  EXPECT_EQ(fleet.error(), "");
}

TEST_P(TimerRestore, TimersThatWereDeletedStayDeleted) {
  WindowFleet fleet(Timers(), 1, Options());
  fleet.SetProcessingTime(0);
  Tell(fleet, kEventTime, {10, 20, 30});
  Tell(fleet, kProcessingTime, {10, 20, 30});
  Tell(fleet, kDeleteEventTime, {10});
  Tell(fleet, kDelete, {10});
  fleet.Restart(3);
  EXPECT_EQ(fleet.Contents().timers, static_cast<size_t>(4 * kKeys));
  Tell(fleet, kDeleteEventTime, {20, 77});  // restored ones; and one that is not there
  Tell(fleet, kDelete, {20});
  fleet.Restart(2, 25);
  EXPECT_THAT(Take(fleet), IsEmpty());
  fleet.PushWatermark(25);
  EXPECT_THAT(Take(fleet), IsEmpty());
  fleet.PushWatermark(30);
  EXPECT_EQ(Take(fleet), Fired(kEventTime, 30, 1));
  fleet.SetProcessingTime(30);
  EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 30, 2));
  EXPECT_EQ(fleet.Contents().timers, 0u);
  EXPECT_EQ(fleet.error(), "");
}

// A barrier behind the first slice of one watermark, the second, ...; the loss of everything; and a
// new start with another number of subtasks.
TEST_P(TimerRestore, BarrierInTheMiddleOfFiringLosesNoTimerAndDoublesNone) {
  for (const auto& [before, after] : {std::pair(1, 3), std::pair(3, 2), std::pair(2, 1)}) {
    for (int slices = 1; slices <= 3; ++slices) {
      WindowFleet fleet(Timers(), static_cast<uint32_t>(before), Options());
      Tell(fleet, kEventTime, {10, 11, 12, 50});
      fleet.HoldOutput(true);
      fleet.PushWatermark(12);
      for (int slice = 1; slice < slices; ++slice) {
        for (uint32_t i = 0; i < fleet.parallelism(); ++i) fleet.subtask(i).PassOutput();
      }
      fleet.Restart(static_cast<uint32_t>(after));
      std::vector<std::string> texts = Take(fleet);
      std::vector<std::string> expected = Fired(kEventTime, 10, 1);
      Expect(&expected, kEventTime, 11, 2);
      Expect(&expected, kEventTime, 12, 3);
      EXPECT_EQ(texts, expected) << before << " to " << after << ", slice " << slices;
      fleet.PushWatermark(12);
      EXPECT_THAT(Take(fleet), IsEmpty());
      fleet.PushWatermark(50);
      EXPECT_EQ(Take(fleet), Fired(kEventTime, 50, 4));
      EXPECT_EQ(fleet.Contents().timers, 0u);
      EXPECT_EQ(fleet.error(), "");
    }
  }
}

// The test above proves something only if the barrier comes while there is something left.
TEST_P(TimerRestore, SomeTimersHaveFiredWhenTheBarrierComesAndSomeHaveNot) {
  ClicksHarness harness(Timers(), Options());
  std::vector<Click> rows;
  for (int64_t key = 0; key < kKeys; ++key) rows.push_back({UserOf(key), 10});
  harness.PushBatch(rows, std::vector<int64_t>(rows.size(), kEventTime));
  harness.HoldOutput(true);
  harness.PushWatermark(10);
  const KeyedContents contents = ContentsOf(harness.Snapshot().value_or(""));
  EXPECT_GT(contents.timers, 0u);
  EXPECT_LT(contents.timers, static_cast<size_t>(kKeys));
  EXPECT_EQ(contents.entries + contents.timers, static_cast<size_t>(kKeys)) << "a count or a timer";
}

TEST_P(TimerRestore, BarrierAmongTimersOfProcessingTimeLosesNoneAndDoublesNone) {
  for (const auto& [before, after] : {std::pair(1, 3), std::pair(3, 2)}) {
    for (int slices = 1; slices <= 3; ++slices) {
      WindowFleet fleet(Timers(), static_cast<uint32_t>(before), Options());
      fleet.SetProcessingTime(0);
      Tell(fleet, kProcessingTime, {10, 11, 90});
      fleet.HoldOutput(true);
      fleet.SetProcessingTime(20);
      for (int slice = 1; slice < slices; ++slice) {
        for (uint32_t i = 0; i < fleet.parallelism(); ++i) fleet.subtask(i).PassOutput();
      }
      fleet.Restart(static_cast<uint32_t>(after), 21);
      std::vector<std::string> expected = Fired(kProcessingTime, 10, 1);
      Expect(&expected, kProcessingTime, 11, 2);
      EXPECT_EQ(Take(fleet), expected) << before << " to " << after << ", slice " << slices;
      fleet.SetProcessingTime(90);
      EXPECT_EQ(Take(fleet), Fired(kProcessingTime, 90, 3));
      EXPECT_EQ(fleet.Contents().timers, 0u);
      EXPECT_EQ(fleet.error(), "");
    }
  }
}

// FLINK-36663 with a function's own timers: groups whose watermarks differ meet in one subtask, and
// a timer that has fired in its group is not due again because of the others, nor one before its
// group's time.
TEST_P(TimerRestore, GroupsOfDifferentWatermarksMeetInOneSubtask) {
  WindowFleet fleet(Timers(), 2, Options());
  Tell(fleet, kEventTime, {10, 20, 30});
  fleet.subtask(0).PushWatermark(20);
  fleet.subtask(1).PushWatermark(10);
  Take(fleet);
  fleet.Restart(1);
  EXPECT_THAT(Take(fleet), IsEmpty()) << "nothing is due in any group";
  fleet.PushWatermark(20);
  std::vector<std::string> behind;
  for (const std::string& text : Fired(kEventTime, 20, 2)) {
    if (SubtaskOf(text.substr(0, text.find(' ')), 2) == 1) behind.push_back(text);
  }
  EXPECT_EQ(Take(fleet), behind) << "of the groups that had not come so far, and of no other";
  fleet.PushWatermark(30);
  EXPECT_EQ(Take(fleet), Fired(kEventTime, 30, 3));
  EXPECT_EQ(fleet.error(), "");
}

// One of two is in the middle of firing 20 when the barrier comes; the other has only seen 10.
TEST_P(TimerRestore, WhatOneGroupWasFiringComesAtTheRestoreAndNothingOfTheOthers) {
  WindowFleet fleet(Timers(), 2, Options());
  Tell(fleet, kEventTime, {10, 20});
  fleet.PushWatermark(10);
  Take(fleet);
  fleet.subtask(0).HoldOutput(true);
  fleet.subtask(0).PushWatermark(20);
  fleet.Restart(3);
  std::vector<std::string> ahead;
  std::vector<std::string> behind;
  for (const std::string& text : Fired(kEventTime, 20, 2)) {
    (SubtaskOf(text.substr(0, text.find(' ')), 2) == 0 ? ahead : behind).push_back(text);
  }
  EXPECT_EQ(Take(fleet), ahead);
  fleet.PushWatermark(20);
  EXPECT_EQ(Take(fleet), behind);
  EXPECT_EQ(fleet.error(), "");
}

}  // namespace
}  // namespace weir

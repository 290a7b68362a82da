// Timers of keys, on every backend.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/seeded_random.h"
#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimeDomain kEvent = TimeDomain::kEventTime;
constexpr TimeDomain kProcessing = TimeDomain::kProcessingTime;

using Fired = std::tuple<int64_t, int64_t, std::string>;  // time, key, namespace

class KeyedStateTimersTest : public KeyedStateTest {
 protected:
  KeyedTimers& timers() { return backend_->timers(); }
  std::vector<Fired> PopAll(TimeDomain domain, int64_t until) {
    std::vector<Fired> fired;
    while (const auto timer = timers().PopDue(domain, until)) {
      const int64_t key = *DecodeKey<int64_t>(timer->key);
      EXPECT_EQ(timer->group, GroupOf(key));
      fired.emplace_back(timer->time_micros, key, timer->name_space);
    }
    return fired;
  }
};
WEIR_FOR_ALL_BACKENDS(KeyedStateTimersTest);

TEST_P(KeyedStateTimersTest, DueInTheOrderOfTimesThenKeys) {
  EXPECT_EQ(timers().NextDue(kEvent), std::nullopt);
  for (const int64_t key : {5, -2, 9}) {
    SetKey(key);
    timers().Register(kEvent, 30);
    timers().Register(kEvent, 10 + key);
  }
  SetKey(9);
  timers().Register(kEvent, 30, "window");
  EXPECT_EQ(timers().NextDue(kEvent), 8);
  EXPECT_EQ(timers().NextDue(kProcessing), std::nullopt);
  EXPECT_THAT(PopAll(kEvent, 7), IsEmpty());
  EXPECT_THAT(PopAll(kEvent, 15), ElementsAre(Fired(8, -2, ""), Fired(15, 5, "")));
  EXPECT_THAT(PopAll(kEvent, 100),
              ElementsAre(Fired(19, 9, ""), Fired(30, -2, ""), Fired(30, 5, ""), Fired(30, 9, ""),
                          Fired(30, 9, "window")));
  EXPECT_EQ(timers().NextDue(kEvent), std::nullopt);
}

TEST_P(KeyedStateTimersTest, TheFirstOfAGroup) {
  const uint32_t group = GroupOf(int64_t{5});
  EXPECT_EQ(timers().FirstOf(kEvent, group), std::nullopt);
  SetKey(5);
  timers().Register(kEvent, 30, "b");
  timers().Register(kEvent, 30, "a");
  timers().Register(kProcessing, 10);
  const auto first = timers().FirstOf(kEvent, group);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(std::tie(first->time_micros, first->group, first->name_space),
            std::make_tuple(30, group, "a"));
  EXPECT_EQ(*DecodeKey<int64_t>(first->key), 5);
  EXPECT_EQ(PopAll(kEvent, 30).size(), 2u);
  EXPECT_EQ(timers().FirstOf(kEvent, group), std::nullopt);
}

TEST_P(KeyedStateTimersTest, OneForEachKeyNamespaceAndTime) {
  SetKey(1);
  timers().Register(kEvent, 10, "a");
  timers().Register(kEvent, 10, "a");
  timers().Register(kEvent, 10, "b");
  timers().Register(kProcessing, 10, "a");
  EXPECT_THAT(PopAll(kEvent, 10), ElementsAre(Fired(10, 1, "a"), Fired(10, 1, "b")));
  EXPECT_THAT(PopAll(kProcessing, 10), ElementsAre(Fired(10, 1, "a")));
}

TEST_P(KeyedStateTimersTest, Delete) {
  SetKey(1);
  timers().Register(kEvent, 10, "a");
  timers().Register(kEvent, 20);
  timers().Delete(kEvent, 10, "b");
  timers().Delete(kEvent, 20, "a");
  timers().Delete(kProcessing, 20);
  SetKey(2);
  timers().Delete(kEvent, 20);
  EXPECT_EQ(timers().NextDue(kEvent), 10);
  SetKey(1);
  timers().Delete(kEvent, 10, "a");
  EXPECT_THAT(PopAll(kEvent, 100), ElementsAre(Fired(20, 1, "")));
}

TEST_P(KeyedStateTimersTest, RegisteredWhileTheyAreWorkedOff) {
  SetKey(1);
  timers().Register(kEvent, 10);
  ASSERT_EQ(timers().PopDue(kEvent, 10)->time_micros, 10);
  timers().Register(kEvent, 5);
  timers().Register(kEvent, 10);
  timers().Register(kEvent, 11);
  EXPECT_THAT(PopAll(kEvent, 10), ElementsAre(Fired(5, 1, ""), Fired(10, 1, "")));
}

TEST_P(KeyedStateTimersTest, ComeBackFromASnapshot) {
  SetKey(1);
  timers().Register(kEvent, -10, std::string("w\0", 2));
  timers().Register(kProcessing, 7);
  SetKey(2);
  timers().Register(kEvent, 20);
  ASSERT_TRUE(Reincarnate().ok());
  EXPECT_THAT(PopAll(kEvent, 20),
              ElementsAre(Fired(-10, 1, std::string("w\0", 2)), Fired(20, 2, "")));
  EXPECT_THAT(PopAll(kProcessing, 20), ElementsAre(Fired(7, 1, "")));
}

TEST_P(KeyedStateTimersTest, WatermarksOfGroupsNeverGoBack) {
  EXPECT_EQ(timers().GroupWatermark(3), EventTime::Min());
  timers().AdvanceWatermark(EventTime::FromMicros(50));
  timers().AdvanceWatermark(EventTime::FromMicros(40));
  EXPECT_EQ(timers().GroupWatermark(3), EventTime::FromMicros(50));
  ASSERT_TRUE(Reincarnate().ok());
  EXPECT_EQ(timers().GroupWatermark(3), EventTime::FromMicros(50));
}

TEST_P(KeyedStateTimersTest, DueByTheWatermarkOfTheirGroup) {
  std::vector<int64_t> keys;  // two of each half of the groups
  for (int64_t key = 0; keys.size() < 4; ++key) {
    const bool first_half = GroupOf(key) < kMaxParallelism / 2;
    if (first_half == (keys.size() < 2)) keys.push_back(key);
  }
  for (const int64_t key : keys) {
    SetKey(key);
    timers().Register(kEvent, 10);
    timers().Register(kEvent, 20);
  }
  EXPECT_FALSE(timers().PopDueByWatermark().has_value());

  // Two subtasks come from it, one goes on, and both are merged again.
  const std::string all = Snapshot(*backend_);
  auto ahead = Make({0, kMaxParallelism / 2});
  auto behind = Make({kMaxParallelism / 2, kMaxParallelism});
  ASSERT_TRUE(Restore(*ahead, {all}).ok());
  ASSERT_TRUE(Restore(*behind, {all}).ok());
  ahead->timers().AdvanceWatermark(EventTime::FromMicros(20));
  behind->timers().AdvanceWatermark(EventTime::FromMicros(10));
  Reopen();
  ASSERT_TRUE(Restore(*backend_, {Snapshot(*ahead), Snapshot(*behind)}).ok());

  std::vector<std::pair<int64_t, int64_t>> due;
  while (const auto timer = timers().PopDueByWatermark()) {
    due.emplace_back(timer->time_micros, *DecodeKey<int64_t>(timer->key));
  }
  std::vector<std::pair<int64_t, int64_t>> expected;
  for (const int64_t key : keys) expected.emplace_back(10, key);
  expected.emplace_back(20, keys[0]);
  expected.emplace_back(20, keys[1]);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(due, expected);
  timers().AdvanceWatermark(EventTime::FromMicros(20));
  EXPECT_EQ(*DecodeKey<int64_t>(timers().PopDueByWatermark()->key), std::min(keys[2], keys[3]));
}

TEST_P(KeyedStateTimersTest, AsASortedSet) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    Reopen();
    std::set<Fired> expected;
    for (int step = 0; step < 2000; ++step) {
      const auto key = static_cast<int64_t>(random.Below(30));
      const auto time = static_cast<int64_t>(random.Below(50));
      const std::string name_space = random.Below(2) == 0 ? "" : "w";
      SetKey(key);
      switch (random.Below(5)) {
        case 0:
          timers().Delete(kEvent, time, name_space);
          expected.erase({time, key, name_space});
          break;
        case 1: {
          const auto timer = timers().PopDue(kEvent, time);
          const bool due = !expected.empty() && std::get<0>(*expected.begin()) <= time;
          ASSERT_EQ(timer.has_value(), due) << "seed " << seed;
          if (!due) break;
          ASSERT_EQ(Fired(timer->time_micros, *DecodeKey<int64_t>(timer->key), timer->name_space),
                    *expected.begin());
          expected.erase(expected.begin());
          break;
        }
        default:
          timers().Register(kEvent, time, name_space);
          expected.insert({time, key, name_space});
      }
      if (step % 500 == 499) {
        ASSERT_TRUE(Reincarnate().ok());
      }
    }
    EXPECT_EQ(PopAll(kEvent, 1000), std::vector<Fired>(expected.begin(), expected.end()));
  }
}

}  // namespace
}  // namespace weir

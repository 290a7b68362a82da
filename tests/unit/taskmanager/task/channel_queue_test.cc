#include "taskmanager/task/channel_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "common/base/seeded_random.h"
#include "tests/unit/taskmanager/task/channel_words.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;

EventTime Time(int64_t micros) { return EventTime::FromMicros(micros); }

constexpr StreamStatus kIdle = {true};
constexpr StreamStatus kActive = {false};

std::vector<std::string> Queued(const std::vector<ChannelElement>& elements) {
  std::deque<QueuedElement> queue;
  for (const ChannelElement& element : elements) Append({element, 0}, queue);
  std::vector<std::string> words;
  for (const QueuedElement& one : queue) words.push_back(WordOf(one.element));
  return words;
}

TEST(ChannelQueue, KeepsWhatMeansSomething) {
  EXPECT_THAT(Queued({Time(1), kIdle, BarrierOf(1), MakeBatch({7}), MakeBatch({8}), Time(2),
                      BarrierOf(2), EndOfInput(), BarrierOf(3)}),
              ElementsAre("wm 1", "idle", "barrier 1", "row 7", "row 8", "wm 2", "barrier 2", "end",
                          "barrier 3"));
}

TEST(ChannelQueue, AWatermarkTakesThePlaceOfWatermarkAndStatuses) {
  EXPECT_THAT(Queued({Time(1), Time(2)}), ElementsAre("wm 2"));
  EXPECT_THAT(Queued({Time(1), kIdle, kActive, Time(2)}), ElementsAre("wm 2"));
  EXPECT_THAT(Queued({Time(1), kIdle, kActive}), ElementsAre("wm 1", "active"));
  EXPECT_THAT(Queued({Time(1), MakeBatch({7}), Time(2)}), ElementsAre("wm 1", "row 7", "wm 2"));
  EXPECT_THAT(Queued({Time(1), BarrierOf(1), Time(2)}), ElementsAre("wm 1", "barrier 1", "wm 2"));
}

TEST(ChannelQueue, TheLastWatermarkLeavesHowFarTheProducerHadCome) {
  EXPECT_THAT(Queued({Time(7), kIdle, EventTime::Max()}), ElementsAre("wm 7", "last wm"));
  EXPECT_THAT(Queued({Time(7), EventTime::Max(), EventTime::Max()}),
              ElementsAre("wm 7", "last wm"));
}

TEST(ChannelQueue, ABarrierTakesThePlaceOfAnEarlierOneOfItsRow) {
  EXPECT_THAT(Queued({BarrierOf(1), BarrierOf(2)}), ElementsAre("barrier 2"));
  EXPECT_THAT(Queued({MakeBatch({7}), BarrierOf(1), MakeBatch({8}), BarrierOf(2)}),
              ElementsAre("row 7", "barrier 1", "row 8", "barrier 2"));
  EXPECT_THAT(Queued({BarrierOf(1), EndOfInput(), BarrierOf(2), BarrierOf(3)}),
              ElementsAre("barrier 1", "end", "barrier 3"));
}

// What was before the earlier one and what came behind it are one row now.
TEST(ChannelQueue, WhatStandsBetweenTwoBarriersStaysBeforeTheLaterOne) {
  EXPECT_THAT(Queued({Time(1), BarrierOf(1), Time(2), BarrierOf(2), Time(3)}),
              ElementsAre("wm 2", "barrier 2", "wm 3"));
  EXPECT_THAT(Queued({Time(1), kIdle, BarrierOf(1), kActive, BarrierOf(2)}),
              ElementsAre("wm 1", "active", "barrier 2"));
  EXPECT_THAT(Queued({Time(1), BarrierOf(1), Time(2), kIdle, BarrierOf(2)}),
              ElementsAre("wm 2", "idle", "barrier 2"));
  EXPECT_THAT(Queued({Time(1), BarrierOf(1), EventTime::Max(), kIdle, BarrierOf(2), kActive}),
              ElementsAre("wm 1", "last wm", "idle", "barrier 2", "active"));
}

TEST(ChannelQueue, ABarrierThatSuspendsStandsWhereItIsTheLast) {
  std::deque<QueuedElement> queue;
  Append({BarrierOf(1), 0}, queue);
  Append({Barrier{Epoch(2), LeaderTerm(3), false, true}, 0}, queue);
  Append({Barrier{Epoch(2), LeaderTerm(3)}, 0}, queue);
  ASSERT_EQ(queue.size(), 1u);
  const auto& barrier = std::get<Barrier>(queue.front().element);
  EXPECT_EQ(barrier.epoch, Epoch(2));
  EXPECT_EQ(barrier.attempt, LeaderTerm(3));
  EXPECT_TRUE(barrier.suspends);
}

TEST(ChannelQueue, ABarrierThatIsNotNewerIsDropped) {
  EXPECT_THAT(Queued({BarrierOf(2), Time(1), BarrierOf(1), BarrierOf(2)}),
              ElementsAre("barrier 2", "wm 1"));
}

TEST(ChannelQueue, ControlInARowIsFewWhateverComes) {
  size_t most = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    std::deque<QueuedElement> queue;
    Append({MakeBatch({1}), 1}, queue);
    for (int64_t i = 1; i <= 10'000; ++i) {
      ChannelElement element = Time(i);
      switch (random.Below(4)) {
        case 0:
          element = EventTime::Max();
          break;
        case 1:
          element = StreamStatus{random.Below(2) == 0};
          break;
        case 2:
          element = BarrierOf(random.Below(static_cast<uint64_t>(i)));
          break;
        default:
          break;
      }
      Append({std::move(element), 0}, queue);
      most = std::max(most, queue.size() - 1);
    }
  }
  EXPECT_EQ(most, kMaxControlInARow);
}

}  // namespace
}  // namespace weir::taskmanager

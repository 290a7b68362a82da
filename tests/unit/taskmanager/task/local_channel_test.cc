#include "taskmanager/task/local_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/channel_words.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

TEST(LocalChannel, KeepsTheOrderOfAllKinds) {
  LocalChannel channel;
  ASSERT_TRUE(channel.Push(MakeBatch({1})).ok());
  ASSERT_TRUE(channel.Push(BarrierOf(4)).ok());
  ASSERT_TRUE(channel.Push(EventTime::FromMicros(5)).ok());
  ASSERT_TRUE(channel.Push(EndOfInput()).ok());

  EXPECT_TRUE(std::holds_alternative<BatchPtr>(*channel.Pop()));
  EXPECT_EQ(std::get<Barrier>(*channel.Pop()).epoch, Epoch(4));
  EXPECT_EQ(std::get<EventTime>(*channel.Pop()), EventTime::FromMicros(5));
  EXPECT_TRUE(std::holds_alternative<EndOfInput>(*channel.Pop()));
  EXPECT_FALSE(channel.Pop().has_value());
}

TEST(LocalChannel, IsFullByBytesAndTakesControlAnyway) {
  const BatchPtr batch = MakeBatch({1, 2, 3, 4});
  LocalChannel channel({.capacity_bytes = batch->size_bytes(), .overdraft_bytes = 1u << 20});
  EXPECT_TRUE(channel.HasRoom());
  ASSERT_TRUE(channel.Push(batch).ok());
  EXPECT_FALSE(channel.HasRoom());
  EXPECT_TRUE(channel.Push(BarrierOf(1)).ok());
}

TEST(LocalChannel, OverdraftIsBounded) {
  LocalChannel channel({.capacity_bytes = 1, .overdraft_bytes = 1});
  ASSERT_TRUE(channel.Push(MakeBatch({1})).ok());
  EXPECT_EQ(channel.Push(MakeBatch({2})).code(), absl::StatusCode::kResourceExhausted);
}

// Each checkpoint that is given up while the consumer stands still leaves one.
TEST(LocalChannel, BarriersBehindABatchThatNobodyTakesStayFew) {
  LocalChannel channel;
  ASSERT_TRUE(channel.Push(MakeBatch({1})).ok());
  for (int64_t epoch = 1; epoch <= 10'000; ++epoch) {
    ASSERT_TRUE(channel.Push(EventTime::FromMicros(2 * epoch)).ok());
    ASSERT_TRUE(channel.Push(StreamStatus{true}).ok());
    ASSERT_TRUE(channel.Push(BarrierOf(static_cast<uint64_t>(epoch))).ok());
    ASSERT_TRUE(channel.Push(EventTime::FromMicros(2 * epoch + 1)).ok());
  }
  ASSERT_TRUE(channel.Push(MakeBatch({2})).ok());
  ASSERT_TRUE(channel.Push(BarrierOf(10'001)).ok());
  EXPECT_THAT(DrainWords(channel),
              ::testing::ElementsAre("row 1", "wm 20000", "idle", "barrier 10000", "wm 20001",
                                     "row 2", "barrier 10001"));
  EXPECT_EQ(channel.queued_bytes(), 0u);
}

TEST(LocalChannel, WakesTheConsumerForTheFirstElementAndTheProducerForRoom) {
  const BatchPtr batch = MakeBatch({1, 2, 3, 4});
  LocalChannel channel({.capacity_bytes = batch->size_bytes(), .overdraft_bytes = 1u << 20});
  int consumer = 0;
  int producer = 0;
  channel.SetConsumerWakeup([&consumer] { ++consumer; });
  channel.SetProducerWakeup([&producer] { ++producer; });
  ASSERT_TRUE(channel.Push(batch).ok());
  ASSERT_TRUE(channel.Push(batch).ok());
  EXPECT_EQ(consumer, 1);
  (void)channel.Pop();
  EXPECT_EQ(producer, 0);
  (void)channel.Pop();
  EXPECT_EQ(producer, 1);
  EXPECT_EQ(channel.queued_bytes(), 0u);
}

TEST(LocalChannel, BarrierIsTakenAloneOnlyFromTheFront) {
  LocalChannel channel;
  ASSERT_TRUE(channel.Push(MakeBatch({1})).ok());
  ASSERT_TRUE(channel.Push(BarrierOf(1)).ok());
  EXPECT_FALSE(channel.PopBarrier().has_value());
  (void)channel.Pop();
  EXPECT_TRUE(channel.PopBarrier().has_value());
}

}  // namespace
}  // namespace weir::taskmanager

#include "jobmanager/scheduler/worker_memory.h"

#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

MemoryWish Defaults() {
  MemoryWish wish;
  wish.state_bytes = 256 * kMiB;
  wish.exchange_bytes = 64 * kMiB;
  return wish;
}

TEST(WorkerMemory, WithoutALimitTheDefaultsCount) {
  const WorkerMemory memory = DivideWorkerMemory(Defaults(), 0);
  EXPECT_EQ(memory.state_bytes, 256 * kMiB);
  EXPECT_EQ(memory.exchange_bytes, 64 * kMiB);
}

TEST(WorkerMemory, StateTakesTwoFifthsOfTheLimitAndTheExchangeATenth) {
  const WorkerMemory memory = DivideWorkerMemory(Defaults(), 200 * kMiB);
  EXPECT_EQ(memory.state_bytes, 80 * kMiB);
  EXPECT_EQ(memory.exchange_bytes, 20 * kMiB);
}

TEST(WorkerMemory, MoreMemoryIsForTheState) {
  const WorkerMemory memory = DivideWorkerMemory(Defaults(), 10'000 * kMiB);
  EXPECT_EQ(memory.state_bytes, 4000 * kMiB);
  EXPECT_EQ(memory.exchange_bytes, 64 * kMiB);
}

TEST(WorkerMemory, WhatIsSetIsTaken) {
  MemoryWish wish = Defaults();
  wish.state_is_set = wish.exchange_is_set = true;
  const WorkerMemory memory = DivideWorkerMemory(wish, 100 * kMiB);
  EXPECT_EQ(memory.state_bytes, 256 * kMiB);
  EXPECT_EQ(memory.exchange_bytes, 64 * kMiB);
}

TEST(WorkerMemory, SomethingIsLeftOfTheLeastLimit) {
  const WorkerMemory memory = DivideWorkerMemory(Defaults(), 1);
  EXPECT_EQ(memory.state_bytes, kMiB);
  EXPECT_EQ(memory.exchange_bytes, kMiB);
}

}  // namespace
}  // namespace weir::jobmanager

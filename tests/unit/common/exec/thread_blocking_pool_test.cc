#include "common/exec/thread_blocking_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "common/exec/thread_executor.h"

namespace weir {
namespace {

TEST(ThreadBlockingPoolTest, RunHandsTheResultToTheExecutor) {
  std::promise<std::string> result;
  ThreadExecutor executor({.name = "executor"});
  ThreadBlockingPool pool({.name = "pool", .threads = 2});
  pool.Run<std::string>(
      executor, [&] { return executor.IsCurrent() ? "wrong thread" : "computed"; },
      [&](std::string text) { result.set_value(executor.IsCurrent() ? text : "wrong executor"); });
  EXPECT_EQ(result.get_future().get(), "computed");
}

TEST(ThreadBlockingPoolTest, AsManyWorksRunAtOnceAsThereAreThreads) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> running{0};
  std::promise<void> all_running;
  ThreadBlockingPool pool({.name = "pool", .threads = 3});  // joins before the rest goes
  for (int i = 0; i < 3; ++i) {
    pool.Submit([&] {
      if (++running == 3) all_running.set_value();
      released.wait();
    });
  }
  all_running.get_future().wait();
  release.set_value();
}

TEST(ThreadBlockingPoolTest, ShutdownDestroysWaitingWorksWithoutRunningThem) {
  auto witness = std::make_shared<int>(0);
  std::promise<void> entered;
  std::promise<void> leave;
  ThreadBlockingPool pool({.name = "pool", .threads = 1});
  pool.Submit([&] {
    entered.set_value();
    leave.get_future().wait();
  });
  entered.get_future().wait();
  for (int i = 0; i < 10; ++i) pool.Submit([witness] { ++*witness; });
  std::thread shutdown([&] { pool.Shutdown(); });
  leave.set_value();
  shutdown.join();
  pool.Submit([witness] { ++*witness; });
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(ThreadBlockingPoolDeathTest, QueueIsBounded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        ThreadBlockingPool pool({.name = "disk", .threads = 1, .max_queued = 2});
        std::promise<void> never;
        const std::shared_future<void> blocked = never.get_future().share();
        for (int i = 0; i < 4; ++i) pool.Submit([blocked] { blocked.wait(); });
      },
      "pool disk: 2 works are queued");
}

TEST(ThreadBlockingPoolTest, ThreadsBearTheNameWithANumber) {
  std::promise<std::string> name;
  ThreadBlockingPool pool({.name = "checkpoint-storage", .threads = 1});
  pool.Submit([&] {
    char buffer[16] = {};
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name.set_value(buffer);
  });
  EXPECT_EQ(name.get_future().get(), "checkpoint-st-0");
}

}  // namespace
}  // namespace weir

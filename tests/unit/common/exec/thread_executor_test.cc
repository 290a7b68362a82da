#include "common/exec/thread_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/exec/lifetime.h"

namespace weir {
namespace {

using testing::ElementsAre;

// Lets everything that was posted before run.
void Drain(Executor& executor) {
  const auto done = std::make_shared<std::promise<void>>();
  executor.Post([done] { done->set_value(); });
  done->get_future().wait();
}

TEST(ThreadExecutorTest, RunsClosuresInTheOrderOfPosting) {
  std::vector<int> order;
  ThreadExecutor executor({.name = "test"});
  for (int i = 0; i < 100; ++i) executor.Post([&order, i] { order.push_back(i); });
  Drain(executor);
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadExecutorTest, IsCurrentOnlyInsideItsClosures) {
  std::promise<std::array<bool, 2>> current;
  ThreadExecutor executor({.name = "test"});
  ThreadExecutor other({.name = "other"});
  executor.Post([&] { current.set_value({executor.IsCurrent(), other.IsCurrent()}); });
  EXPECT_THAT(current.get_future().get(), ElementsAre(true, false));
  EXPECT_FALSE(executor.IsCurrent());
}

TEST(ThreadExecutorTest, RunsTimersByDueTimeThenByOrder) {
  std::vector<int> order;
  std::promise<void> done;
  ThreadExecutor executor({.name = "test"});
  executor.Post([&] {
    executor.PostAfter(absl::Milliseconds(20), [&] {
      order.push_back(3);
      done.set_value();
    });
    executor.PostAfter(absl::Milliseconds(10), [&] { order.push_back(2); });
    executor.PostAfter(-absl::Seconds(1), [&] { order.push_back(1); });
  });
  done.get_future().wait();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(ThreadExecutorTest, EarlierTimerWakesASleeperThatWaitsForALaterOne) {
  std::promise<void> done;
  ThreadExecutor executor({.name = "test"});
  executor.PostAfter(absl::Hours(1), [] {});
  Drain(executor);
  executor.PostAfter(absl::Milliseconds(1), [&] { done.set_value(); });
  done.get_future().wait();
}

TEST(ThreadExecutorTest, CancelledTimerNeverRuns) {
  bool ran = false;
  std::promise<std::array<bool, 3>> cancelled;
  ThreadExecutor executor({.name = "test"});
  executor.Post([&] {
    // Due at once, but not yet run: the executor is busy with this closure.
    const TimerId timer = executor.PostAfter(absl::ZeroDuration(), [&ran] { ran = true; });
    const bool first = executor.Cancel(timer);
    cancelled.set_value({first, executor.Cancel(timer), executor.Cancel(0)});
  });
  EXPECT_THAT(cancelled.get_future().get(), ElementsAre(true, false, false));
  Drain(executor);
  executor.Shutdown();
  EXPECT_FALSE(ran);
}

TEST(ThreadExecutorTest, TimerThatRanCannotBeCancelled) {
  std::promise<void> ran;
  ThreadExecutor executor({.name = "test"});
  const TimerId timer = executor.PostAfter(absl::ZeroDuration(), [&] { ran.set_value(); });
  EXPECT_NE(timer, 0u);
  ran.get_future().wait();
  EXPECT_FALSE(executor.Cancel(timer));
}

TEST(ThreadExecutorTest, ShutdownDestroysWhatIsQueuedWithoutRunningIt) {
  auto witness = std::make_shared<int>(0);
  auto executor = std::make_unique<ThreadExecutor>(ThreadExecutorOptions{.name = "test"});
  std::promise<void> entered;
  std::promise<void> leave;
  executor->Post([&] {
    entered.set_value();
    leave.get_future().wait();
  });
  entered.get_future().wait();
  executor->Post([witness] { ++*witness; });
  executor->PostAfter(absl::Hours(1), [witness] { ++*witness; });
  std::thread shutdown([&] { executor->Shutdown(); });
  // A timer id is still given after the shutdown began, but its closure is gone.
  leave.set_value();
  shutdown.join();
  EXPECT_LE(*witness, 1);  // the posted one may have run before the shutdown began
  executor->Post([witness] { *witness += 100; });
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_LE(*witness, 1);
}

// The destructor of a queued closure may use the executor.
TEST(ThreadExecutorTest, ClosureDestroyedAtShutdownMayPost) {
  ThreadExecutor executor({.name = "test"});
  struct PostsWhenDestroyed {
    explicit PostsWhenDestroyed(Executor& target) : executor(target) {}
    ~PostsWhenDestroyed() {
      executor.Post([] {});
    }
    Executor& executor;
  };
  auto poster = std::make_shared<PostsWhenDestroyed>(executor);
  executor.PostAfter(absl::Hours(1), [poster] {});
  poster.reset();
  executor.Shutdown();
}

TEST(ThreadExecutorTest, ThreadBearsTheName) {
  std::promise<std::string> name;
  ThreadExecutor executor({.name = "checkpoint-coordinator"});
  executor.Post([&] {
    char buffer[16] = {};
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name.set_value(buffer);
  });
  EXPECT_EQ(name.get_future().get(), "checkpoint-coor");
}

TEST(ThreadExecutorTest, SlowClosureIsLoggedWithTheExecutorsName) {
  testing::internal::CaptureStderr();
  {
    ThreadExecutor executor({.name = "slowpoke", .slow_closure = absl::ZeroDuration()});
    Drain(executor);
    Drain(executor);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, testing::HasSubstr("executor was blocked by one closure executor=slowpoke"));
}

TEST(ThreadExecutorTest, PostsOfManyThreadsAllRun) {
  int count = 0;
  std::vector<std::thread> threads;
  ThreadExecutor executor({.name = "test"});
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        executor.Post([&count] { ++count; });
        executor.Cancel(executor.PostAfter(absl::Hours(1), [&count] { ++count; }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Drain(executor);
  EXPECT_EQ(count, 4000);
}

TEST(LifetimeTest, GuardedClosureDoesNothingAfterTheOwner) {
  int runs = 0;
  std::function<void()> closure;
  {
    Lifetime lifetime;
    closure = lifetime.Guard([&runs] { ++runs; });
    closure();
  }
  closure();
  EXPECT_EQ(runs, 1);
}

TEST(LifetimeTest, ResetForgetsEarlierClosuresOnly) {
  int runs = 0;
  Lifetime lifetime;
  const auto add = [&runs](int amount) { runs += amount; };
  std::function<void(int)> before = lifetime.Guard(add);
  lifetime.Reset();
  std::function<void(int)> after = lifetime.Guard(add);
  before(1);
  after(10);
  EXPECT_EQ(runs, 10);
}

}  // namespace
}  // namespace weir

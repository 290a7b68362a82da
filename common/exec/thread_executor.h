#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"

namespace weir {

struct ThreadExecutorOptions {
  std::string name;  // of the thread, as shown by ps and in logs; the kernel keeps 15 characters
  size_t max_queued = 1 << 20;  // closures plus timers; exceeding it is a bug and aborts
  absl::Duration slow_closure = absl::Seconds(1);  // a longer one is logged as a warning
};

/// The executor of real processes: one thread with a queue and timers. It sleeps while there is
/// nothing to do, and a Post wakes it only when it sleeps.
///
/// Threads: as Executor; Shutdown and the destructor from any thread but its own.
/// Life cycle: runs from construction to Shutdown, which waits for the closure that is running and
/// destroys the others on the calling thread. What is posted later is destroyed at once.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(ThreadExecutorOptions options);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void Post(std::function<void()> closure) override;
  TimerId PostAfter(absl::Duration delay, std::function<void()> closure) override;
  bool Cancel(TimerId timer) override;
  bool IsCurrent() const override;

  /// May be called more than once, by one thread at a time.
  void Shutdown();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using TimerKey = std::pair<SteadyTime, TimerId>;
  using Timers = std::map<TimerKey, std::function<void()>>;

  void Loop();
  // Blocks until there is something to run; false when shut down. Fills `batch` with all that is
  // queued.
  bool WaitForWork(std::deque<std::function<void()>>* batch);
  // Takes the first timer that is due, or returns an empty function.
  std::function<void()> TakeDueTimer(SteadyTime now);
  // Runs and destroys the closure; `start` is the time now, and the result the time afterwards.
  SteadyTime RunClosure(std::function<void()> closure, SteadyTime start);
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }

  const ThreadExecutorOptions options_;
  std::atomic<bool> stopping_{false};  // written under mutex_
  std::atomic<std::thread::id> thread_id_{};

  mutable Mutex mutex_;
  CondVar wake_up_;
  bool asleep_ WEIR_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> queue_ WEIR_GUARDED_BY(mutex_);
  Timers timers_ WEIR_GUARDED_BY(mutex_);
  std::unordered_map<TimerId, SteadyTime> timer_times_ WEIR_GUARDED_BY(mutex_);
  TimerId last_timer_ WEIR_GUARDED_BY(mutex_) = 0;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace weir

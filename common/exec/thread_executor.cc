#include "common/exec/thread_executor.h"

#include <pthread.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/log.h"

namespace weir {
namespace {

// Longer delays would overflow the clock; nobody waits for them.
constexpr absl::Duration kMaxDelay = absl::Hours(24 * 365);

}  // namespace

ThreadExecutor::ThreadExecutor(ThreadExecutorOptions options)
    : options_(std::move(options)), thread_([this] { Loop(); }) {}

ThreadExecutor::~ThreadExecutor() { Shutdown(); }

void ThreadExecutor::Post(std::function<void()> closure) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (stopping()) return;  // `closure` is a parameter: destroyed after the lock is released
    WEIR_CHECK(queue_.size() < options_.max_queued)
        << "executor " << options_.name << ": " << queue_.size() << " closures are queued";
    queue_.push_back(std::move(closure));
    wake = std::exchange(asleep_, false);
  }
  if (wake) wake_up_.Signal();
}

TimerId ThreadExecutor::PostAfter(absl::Duration delay, std::function<void()> closure) {
  delay = std::clamp(delay, absl::ZeroDuration(), kMaxDelay);
  const SteadyTime due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay);
  TimerId timer = 0;
  bool wake = false;
  {
    MutexLock lock(mutex_);
    timer = ++last_timer_;
    if (stopping()) return timer;
    WEIR_CHECK(timers_.size() < options_.max_queued)
        << "executor " << options_.name << ": " << timers_.size() << " timers are set";
    timer_times_.emplace(timer, due);
    const auto position = timers_.emplace(TimerKey(due, timer), std::move(closure)).first;
    if (position == timers_.begin()) wake = std::exchange(asleep_, false);
  }
  if (wake) wake_up_.Signal();
  return timer;
}

bool ThreadExecutor::Cancel(TimerId timer) {
  std::function<void()> cancelled;  // destroyed after the lock is released
  MutexLock lock(mutex_);
  const auto time = timer_times_.find(timer);
  if (time == timer_times_.end()) return false;
  const auto position = timers_.find(TimerKey(time->second, timer));
  cancelled = std::move(position->second);
  timers_.erase(position);
  timer_times_.erase(time);
  return true;
}

bool ThreadExecutor::IsCurrent() const {
  return thread_id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void ThreadExecutor::Shutdown() {
  WEIR_CHECK(!IsCurrent()) << "executor " << options_.name << " is shut down by its own thread";
  {
    MutexLock lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  wake_up_.SignalAll();
  if (thread_.joinable()) thread_.join();
  std::deque<std::function<void()>> queue;
  Timers timers;
  {
    MutexLock lock(mutex_);
    queue.swap(queue_);
    timers.swap(timers_);
    timer_times_.clear();
  }
}

bool ThreadExecutor::WaitForWork(std::deque<std::function<void()>>* batch) {
  MutexLock lock(mutex_);
  while (!stopping()) {
    if (!queue_.empty()) {
      batch->swap(queue_);
      return true;
    }
    if (timers_.empty()) {
      asleep_ = true;
      wake_up_.Wait(mutex_);
    } else {
      const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
      if (left <= std::chrono::nanoseconds(0)) return true;
      asleep_ = true;
      wake_up_.WaitFor(mutex_, absl::FromChrono(left));
    }
    asleep_ = false;
  }
  return false;
}

std::function<void()> ThreadExecutor::TakeDueTimer(SteadyTime now) {
  MutexLock lock(mutex_);
  if (timers_.empty() || timers_.begin()->first.first > now) return nullptr;
  const auto first = timers_.begin();
  timer_times_.erase(first->first.second);
  std::function<void()> closure = std::move(first->second);
  timers_.erase(first);
  return closure;
}

ThreadExecutor::SteadyTime ThreadExecutor::RunClosure(std::function<void()> closure,
                                                      SteadyTime start) {
  closure();
  closure = nullptr;
  const SteadyTime end = std::chrono::steady_clock::now();
  const absl::Duration took = absl::FromChrono(end - start);
  if (took > options_.slow_closure) {
    LogWarning("executor was blocked by one closure",
               {{"executor", options_.name}, {"took", took}});
  }
  return end;
}

void ThreadExecutor::Loop() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::deque<std::function<void()>> batch;
  while (WaitForWork(&batch)) {
    SteadyTime now = std::chrono::steady_clock::now();
    for (; !batch.empty() && !stopping(); batch.pop_front()) {
      now = RunClosure(std::move(batch.front()), now);
    }
    // Timers that fall due while these run wait for the next round: neither side starves.
    const SteadyTime round = now;
    while (!stopping()) {
      std::function<void()> closure = TakeDueTimer(round);
      if (closure == nullptr) break;
      now = RunClosure(std::move(closure), now);
    }
  }
  // What was taken but not run joins what is destroyed by Shutdown.
  MutexLock lock(mutex_);
  while (!batch.empty()) {
    queue_.push_front(std::move(batch.back()));
    batch.pop_back();
  }
}

}  // namespace weir

#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/time/clock.h"

namespace weir {

/// An executor on the test's own thread, in virtual time: nothing runs but in RunReady and Advance.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> closure) override { queue_.push_back(std::move(closure)); }
  TimerId PostAfter(absl::Duration delay, std::function<void()> closure) override {
    const absl::Duration due = now_ + std::max(delay, absl::ZeroDuration());
    timers_.emplace(std::make_pair(due, ++last_timer_), std::move(closure));
    return last_timer_;
  }
  bool Cancel(TimerId timer) override {
    for (auto each = timers_.begin(); each != timers_.end(); ++each) {
      if (each->first.second != timer) continue;
      timers_.erase(each);
      return true;
    }
    return false;
  }
  bool IsCurrent() const override { return true; }

  /// All that is due now, and what follows from it.
  void RunReady() {
    while (true) {
      if (!queue_.empty()) {
        const std::function<void()> closure = std::move(queue_.front());
        queue_.pop_front();
        closure();
      } else if (!timers_.empty() && timers_.begin()->first.first <= now_) {
        const std::function<void()> closure = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        closure();
      } else {
        return;
      }
    }
  }
  /// Lets time pass, from one timer to the next.
  void Advance(absl::Duration duration) {
    const absl::Duration end = now_ + duration;
    RunReady();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      now_ = timers_.begin()->first.first;
      RunReady();
    }
    now_ = end;
  }
  absl::Duration now() const { return now_; }

 private:
  std::deque<std::function<void()>> queue_;
  std::map<std::pair<absl::Duration, TimerId>, std::function<void()>> timers_;
  absl::Duration now_ = absl::ZeroDuration();
  TimerId last_timer_ = 0;
};

/// The virtual time of a ManualExecutor, counted from one second after the Unix epoch.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(const ManualExecutor& executor) : executor_(executor) {}
  absl::Time Now() const override { return absl::UnixEpoch() + Monotonic(); }
  absl::Duration Monotonic() const override { return absl::Seconds(1) + executor_.now(); }

 private:
  const ManualExecutor& executor_;
};

/// Runs work at once, on the caller; or, while held, when it is let go.
class ManualPool final : public BlockingPool {
 public:
  void Submit(std::function<void()> work) override {
    if (held_) return waiting_.push_back(std::move(work));
    work();
  }
  void Hold() { held_ = true; }
  void Release() {
    held_ = false;
    while (!waiting_.empty()) {
      const std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      work();
    }
  }

 private:
  bool held_ = false;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace weir

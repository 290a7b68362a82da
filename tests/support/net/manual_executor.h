#pragma once

#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"

#include "common/exec/executor.h"

namespace weir {

/// An executor on the test's own thread with virtual time.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> closure) override { queue_.push_back(std::move(closure)); }
  TimerId PostAfter(absl::Duration delay, std::function<void()> closure) override {
    timers_.emplace(std::make_pair(now_ + delay, ++last_timer_), std::move(closure));
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

  /// All that is due now.
  void RunReady() {
    while (true) {
      if (!queue_.empty()) {
        std::function<void()> closure = std::move(queue_.front());
        queue_.pop_front();
        closure();
      } else if (!timers_.empty() && timers_.begin()->first.first <= now_) {
        std::function<void()> closure = std::move(timers_.begin()->second);
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

}  // namespace weir

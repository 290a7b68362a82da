#include "tests/sim/sim_process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::sim {

SimExecutor::SimExecutor(SimProcess& process)
    : process_(process), random_(process.world.Fork(absl::StrCat("executor ", process.name))) {}

void SimExecutor::Post(std::function<void()> closure) {
  if (!process_.alive()) return;
  if (!process_.world.in_blocking_work) return Push(std::move(closure));
  process_.world.Schedule(absl::Microseconds(Between(random_, 20, 800)),
                          [this, closure = std::move(closure)]() mutable {
                            if (process_.alive()) Push(std::move(closure));
                          });
}

TimerId SimExecutor::PostAfter(absl::Duration delay, std::function<void()> closure) {
  const TimerId timer = next_timer_++;
  if (!process_.alive()) return timer;
  timers_[timer] =
      process_.world.Schedule(delay, [this, timer, closure = std::move(closure)]() mutable {
        if (!process_.alive()) return;
        // It stays cancellable until it runs: Cancel's contract.
        Push([this, timer, closure = std::move(closure)] {
          if (timers_.erase(timer) > 0) closure();
        });
      });
  return timer;
}

bool SimExecutor::Cancel(TimerId timer) {
  const auto it = timers_.find(timer);
  if (it == timers_.end()) return false;
  process_.world.Cancel(it->second);
  timers_.erase(it);
  return true;
}

void SimExecutor::Push(std::function<void()> closure) {
  queue_.push_back(std::move(closure));
  if (scheduled_) return;
  scheduled_ = true;
  process_.world.Schedule(absl::Microseconds(Between(random_, 1, 20)), [this] { RunOne(); });
}

void SimExecutor::RunOne() {
  if (!process_.alive()) return;
  if (process_.paused()) {
    process_.world.Schedule(process_.paused_until() - process_.world.now(), [this] { RunOne(); });
    return;
  }
  scheduled_ = false;
  if (queue_.empty()) return;
  const std::function<void()> closure = std::move(queue_.front());
  queue_.pop_front();
  running_ = true;
  closure();
  running_ = false;
  if (queue_.empty() || scheduled_ || !process_.alive()) return;
  scheduled_ = true;
  process_.world.Schedule(absl::Microseconds(Between(random_, 0, 5)), [this] { RunOne(); });
}

SimBlockingPool::SimBlockingPool(SimProcess& process)
    : process_(process), random_(process.world.Fork(absl::StrCat("pool ", process.name))) {}

void SimBlockingPool::Submit(std::function<void()> work) {
  if (!process_.alive()) return;
  // Mostly fast, now and then slow.
  const int64_t most_us = Chance(random_, 30) ? 300'000 : 3'000;
  process_.world.Schedule(
      absl::Microseconds(Between(random_, 50, most_us)), [this, work = std::move(work)]() mutable {
        if (!process_.alive() && Chance(random_, 500)) return;  // it had not left the process
        if (process_.alive() && process_.paused() && Chance(random_, 700)) {
          process_.world.Schedule(process_.paused_until() - process_.world.now(),
                                  [this, work = std::move(work)] { RunNow(work); });
          return;
        }
        RunNow(std::move(work));
      });
}

void SimBlockingPool::RunNow(std::function<void()> work) {
  if (threads_ != nullptr) return threads_->Run(std::move(work));
  process_.world.in_blocking_work = true;
  work();
  process_.world.in_blocking_work = false;
}

SimProcess::SimProcess(SimWorld& world_in, std::string name_in, std::string host_in)
    : world(world_in),
      name(std::move(name_in)),
      host(std::move(host_in)),
      random(world.Fork(absl::StrCat("process ", name))),
      clock(world, absl::Milliseconds(Between(random, -2000, 2000))),
      pool(*this),
      executor(*this) {}

void SimProcess::Kill() {
  if (!alive_) return;
  alive_ = false;
  world.Trace("dies", name);
  for (const auto& action : at_death_) action();
}

void SimProcess::PauseUntil(absl::Duration when) {
  paused_until_ = std::max(paused_until_, when);
  world.Trace("pauses", name);
}

SimExecutor& SimProcess::AddExecutor() {
  more_executors_.push_back(std::make_unique<SimExecutor>(*this));
  return *more_executors_.back();
}

void SimProcess::DropClosures() {
  alive_ = false;
  executor.Clear();
  for (const auto& one : more_executors_) one->Clear();
}

}  // namespace weir::sim

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/random.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/time/clock.h"
#include "tests/sim/sim_threads.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

class SimProcess;

/// The Executor of a simulated process: closures run from the event queue, one an event, in the
/// order they were posted. Nothing runs while the process is paused, or once it is dead.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(SimProcess& process);
  void Post(std::function<void()> closure) override;
  TimerId PostAfter(absl::Duration delay, std::function<void()> closure) override;
  bool Cancel(TimerId timer) override;
  bool IsCurrent() const override { return running_; }
  /// Drops everything queued.
  void Clear() { queue_.clear(); }

 private:
  void Push(std::function<void()> closure);
  void RunOne();

  SimProcess& process_;
  SeededRandom random_;
  std::deque<std::function<void()>> queue_;
  std::unordered_map<TimerId, SimWorld::EventId> timers_;
  TimerId next_timer_ = 1;
  bool scheduled_ = false;
  bool running_ = false;
};

/// The blocking pool of a simulated process: work takes effect after a random delay, its reply
/// arrives after another. When the process dies in between, the work may still take effect, as a
/// storage request in flight does; its reply reaches nobody.
class SimBlockingPool final : public BlockingPool {
 public:
  explicit SimBlockingPool(SimProcess& process);
  void Submit(std::function<void()> work) override;
  /// From now on works may wait in virtual time.
  void UseThreads(SimThreads* threads) { threads_ = threads; }

 private:
  void RunNow(std::function<void()> work);

  SimProcess& process_;
  SeededRandom random_;
  SimThreads* threads_ = nullptr;
};

/// The clocks of a simulated process: virtual time, with a wall clock that is off by a little.
class SimClock final : public Clock {
 public:
  SimClock(const SimWorld& world, absl::Duration skew) : world_(world), skew_(skew) {}
  absl::Time Now() const override {
    return absl::FromUnixSeconds(1700000000) + world_.now() + skew_;
  }
  absl::Duration Monotonic() const override { return world_.now(); }

 private:
  const SimWorld& world_;
  const absl::Duration skew_;
};

/// One start of a process: what it runs on, and whether it lives. A dead process stays in memory,
/// inert, until the run ends, since requests it made may still be on their way.
class SimProcess {
 public:
  SimProcess(SimWorld& world, std::string name, std::string host);
  SimProcess(const SimProcess&) = delete;

  bool alive() const { return alive_; }
  void Kill();
  void PauseUntil(absl::Duration when);
  bool paused() const { return world.now() < paused_until_; }
  absl::Duration paused_until() const { return paused_until_; }
  /// Called when it dies, in the order of registration.
  void AtDeath(std::function<void()> action) { at_death_.push_back(std::move(action)); }
  /// One more thread of control; lives as long as the process.
  SimExecutor& AddExecutor();
  /// Before objects are destroyed at the end of the run.
  void DropClosures();

  SimWorld& world;
  const std::string name;  // unique: one process start
  const std::string host;
  SeededRandom random;
  SimClock clock;
  SimBlockingPool pool;
  SimExecutor executor;

 private:
  bool alive_ = true;
  absl::Duration paused_until_;
  std::vector<std::function<void()>> at_death_;
  std::vector<std::unique_ptr<SimExecutor>> more_executors_;
};

}  // namespace weir::sim

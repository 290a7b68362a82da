#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"

namespace weir::kafka {

/// One task's works on a BlockingPool, whose results come back to the task's thread, and the task's
/// wake-up, which nobody reaches any more once the task has gone.
///
/// Life cycle: Start as often as wanted; Stop, or the destructor, for good.
/// Threads: all calls on the task's thread, but for wakeup(), which may be called from any. The
/// pool outlives it.
class PoolJobs {
 public:
  using Work = std::function<absl::Status()>;
  using Done = std::function<void(const absl::Status&)>;

  PoolJobs(BlockingPool& pool, std::function<void()> wakeup);
  ~PoolJobs();
  PoolJobs(const PoolJobs&) = delete;
  PoolJobs& operator=(const PoolJobs&) = delete;

  /// Runs `work` on the pool, and destroys it there. Its result goes to `done`, in a later
  /// RunFinished, for which the task is woken.
  void Start(Work work, Done done);
  /// Calls `done` of what has ended; they may Start more.
  void RunFinished();
  /// No work begins any more, no `done` is called, and no wake-up. Waits up to `patience` for works
  /// that are running; one that goes on must own what it uses.
  void Stop(absl::Duration patience);

  /// The task's wake-up; without effect after Stop.
  std::function<void()> wakeup() const;

 private:
  struct State;

  BlockingPool& pool_;
  const std::shared_ptr<State> state_;
};

}  // namespace weir::kafka

#pragma once

#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "common/exec/mutex.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// Lets blocking works of a run wait in virtual time: each has a thread of its own while it lasts,
/// but of all threads, the event loop's included, exactly one runs at any time. Who runs next is
/// decided by events alone, so that a seed gives one order.
///
/// Threads: Run, Resume and Unwind on the event loop; Current and Wait within a work.
/// Life cycle: Unwind before anything is destroyed that works refer to.
class SimThreads {
 public:
  class Work;

  explicit SimThreads(SimWorld& world);
  ~SimThreads();
  SimThreads(const SimThreads&) = delete;

  /// Runs the work until it ends, or waits.
  void Run(std::function<void()> work);
  /// The work that runs, for Resume; null on the event loop.
  Work* Current();
  /// Returns after a Resume of this work: false when the run is over, and it should end, too.
  bool Wait();
  /// Lets a work that waits go on until it ends, or waits again.
  void Resume(Work* work);
  /// The run is over: every work that waits goes on, and no Wait waits any more, until all have
  /// ended.
  void Unwind();
  bool unwinding() const { return unwinding_; }

 private:
  void Loop(Work* self);
  void HandTo(Work* work);

  SimWorld& world_;
  bool unwinding_ = false;
  Mutex mutex_;
  CondVar loop_turn_;
  Work* active_ WEIR_GUARDED_BY(mutex_) = nullptr;  // null: the event loop
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Work>> works_;
  std::vector<Work*> idle_;
  std::vector<Work*> waiting_;  // in the order in which they began to wait
};

}  // namespace weir::sim

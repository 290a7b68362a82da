#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace weir {

using TimerId = uint64_t;  // 0 is never issued

/// Runs closures one at a time, in the order they were posted; a protocol object lives on one
/// Executor and needs no lock. Timers run on the same thread of control.
///
/// Threads: Post, PostAfter and Cancel may be called from any thread.
/// Lifetime: closures that are still queued when the executor is shut down are destroyed, not run.
/// Units: `delay` is real (or, in simulation, virtual) monotonic time; a negative delay means 0.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(std::function<void()> closure) = 0;
  virtual TimerId PostAfter(absl::Duration delay, std::function<void()> closure) = 0;
  /// True when the timer had not run and now never will.
  virtual bool Cancel(TimerId timer) = 0;
  /// True when the caller runs inside a closure of this executor.
  virtual bool IsCurrent() const = 0;
};

}  // namespace weir

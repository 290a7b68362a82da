#pragma once

#include "absl/time/time.h"

#include "common/exec/mutex.h"

namespace weir {

/// How work that blocks waits before it tries again; whoever does not need it any more cancels.
///
/// Threads: Wait on the work's; Cancel from any.
class RetryWait {
 public:
  virtual ~RetryWait() = default;
  /// False when cancelled, before or meanwhile.
  virtual bool Wait(absl::Duration duration) = 0;
  /// For good.
  virtual void Cancel() = 0;
};

/// In real time.
class ThreadRetryWait final : public RetryWait {
 public:
  bool Wait(absl::Duration duration) override {
    MutexLock lock(mutex_);
    // A spurious wake-up only makes a retry come early.
    if (!cancelled_) changed_.WaitFor(mutex_, duration);
    return !cancelled_;
  }
  void Cancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool cancelled_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir

#pragma once

#include "common/exec/mutex.h"

namespace weir {

/// Lets threads wait for something that happens once. Threads: any.
class DoneSignal {
 public:
  void Notify() {
    MutexLock lock(mutex_);
    done_ = true;
    changed_.SignalAll();
  }
  void Wait() {
    MutexLock lock(mutex_);
    while (!done_) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool done_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir

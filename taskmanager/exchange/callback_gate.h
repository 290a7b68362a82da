#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "common/exec/mutex.h"

namespace weir::taskmanager {

/// Lets a transport's threads run the callbacks of an owner who may go at any time: once Close has
/// returned none is running and none begins.
///
/// Threads: Run on any, several at once; Set and Close on any, but Close not within a callback.
template <class Callbacks>
class CallbackGate {
 public:
  void Set(Callbacks callbacks) {
    auto shared = std::make_shared<const Callbacks>(std::move(callbacks));
    MutexLock lock(mutex_);
    if (!closed_) callbacks_.swap(shared);
  }

  /// False when there are no callbacks (yet, or any more).
  template <class F>
  bool Run(F&& call) {
    std::shared_ptr<const Callbacks> callbacks;
    {
      MutexLock lock(mutex_);
      if (callbacks_ == nullptr) return false;
      callbacks = callbacks_;
      ++running_;
    }
    call(*callbacks);
    callbacks = nullptr;
    MutexLock lock(mutex_);
    if (--running_ == 0) idle_.SignalAll();
    return true;
  }

  void Close() {
    std::shared_ptr<const Callbacks> released;  // destroyed without the lock
    MutexLock lock(mutex_);
    closed_ = true;
    callbacks_.swap(released);
    while (running_ > 0) idle_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar idle_;
  bool closed_ WEIR_GUARDED_BY(mutex_) = false;
  size_t running_ WEIR_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Callbacks> callbacks_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::taskmanager

#include "common/exec/thread_blocking_pool.h"

#include <pthread.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir {

ThreadBlockingPool::ThreadBlockingPool(ThreadBlockingPoolOptions options)
    : options_(std::move(options)) {
  WEIR_CHECK(options_.threads > 0) << "pool " << options_.name << " without threads";
  threads_.reserve(options_.threads);
  for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Loop(i); });
}

ThreadBlockingPool::~ThreadBlockingPool() { Shutdown(); }

void ThreadBlockingPool::Submit(std::function<void()> work) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (stopping_) return;  // `work` is a parameter: destroyed after the lock is released
    WEIR_CHECK(queue_.size() < options_.max_queued)
        << "pool " << options_.name << ": " << queue_.size() << " works are queued";
    queue_.push_back(std::move(work));
    wake = idle_threads_ > 0;
  }
  if (wake) wake_up_.Signal();
}

void ThreadBlockingPool::Shutdown() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_up_.SignalAll();
  for (std::thread& thread : threads_) {
    WEIR_CHECK(thread.get_id() != std::this_thread::get_id())
        << "pool " << options_.name << " is shut down by its own thread";
    thread.join();
  }
  threads_.clear();
  std::deque<std::function<void()>> queue;  // destroyed after the lock is released
  MutexLock lock(mutex_);
  queue.swap(queue_);
}

void ThreadBlockingPool::Loop(size_t index) {
  // The number stays visible in a name that is cut to 15 characters.
  const std::string number = absl::StrCat("-", index);
  const std::string name = options_.name.substr(0, 15 - number.size()) + number;
  pthread_setname_np(pthread_self(), name.c_str());
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        ++idle_threads_;
        wake_up_.Wait(mutex_);
        --idle_threads_;
      }
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace weir

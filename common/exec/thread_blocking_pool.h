#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/exec/blocking_pool.h"
#include "common/exec/mutex.h"

namespace weir {

struct ThreadBlockingPoolOptions {
  std::string name;  // of the threads; the kernel keeps 15 characters
  size_t threads = 4;
  size_t max_queued = 1 << 16;  // works waiting for a thread; exceeding it is a bug and aborts
};

/// The blocking pool of real processes: a fixed number of threads and one queue.
///
/// Threads: as BlockingPool; Shutdown and the destructor from any thread but the pool's.
/// Life cycle: works run from construction to Shutdown, which waits for those that are running and
/// destroys the others on the calling thread. What is submitted later is destroyed at once.
/// Lifetime: executors named in Run() must outlive the pool or its Shutdown.
class ThreadBlockingPool final : public BlockingPool {
 public:
  explicit ThreadBlockingPool(ThreadBlockingPoolOptions options);
  ~ThreadBlockingPool() override;
  ThreadBlockingPool(const ThreadBlockingPool&) = delete;
  ThreadBlockingPool& operator=(const ThreadBlockingPool&) = delete;

  void Submit(std::function<void()> work) override;

  /// May be called more than once, by one thread at a time.
  void Shutdown();

 private:
  void Loop(size_t index);

  const ThreadBlockingPoolOptions options_;
  Mutex mutex_;
  CondVar wake_up_;
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;
  size_t idle_threads_ WEIR_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> queue_ WEIR_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;  // touched by the constructor and Shutdown only
};

}  // namespace weir

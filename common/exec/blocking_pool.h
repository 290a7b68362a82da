#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "common/exec/executor.h"

namespace weir {

/// The only place where a call may block: file system, Kafka transactions, process control.
/// `work` runs on some thread of the pool, in no particular order against other work.
///
/// Threads: Submit may be called from any thread.
/// Bounds: implementations bound the number of queued works (option `max_queued`) and CHECK on it;
/// protocol objects keep at most a handful of works in flight each.
class BlockingPool {
 public:
  virtual ~BlockingPool() = default;
  virtual void Submit(std::function<void()> work) = 0;

  /// Runs `work` on the pool and hands its result to `done` on `reply_on`.
  template <class Result>
  void Run(Executor& reply_on, std::function<Result()> work, std::function<void(Result)> done) {
    Submit([&reply_on, work = std::move(work), done = std::move(done)]() mutable {
      auto result = std::make_shared<Result>(work());
      reply_on.Post([result, done = std::move(done)] { done(std::move(*result)); });
    });
  }
};

}  // namespace weir

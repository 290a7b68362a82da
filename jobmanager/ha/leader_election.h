#pragma once

#include <functional>

namespace weir::jobmanager {

/// Says when this process may try to lead. For liveness only: two processes that both think they
/// lead do no harm, because the logs fence them (docs/protocols/logs.md).
///
/// Threads: `elected` is called on the executor the implementation was given, at most once.
class LeaderElection {
 public:
  virtual ~LeaderElection() = default;
  virtual void Start(std::function<void()> elected) = 0;
};

}  // namespace weir::jobmanager

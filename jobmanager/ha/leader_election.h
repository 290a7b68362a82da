#pragma once

#include <functional>

#include "absl/status/status.h"

namespace weir::jobmanager {

/// Says when this process may try to lead. For liveness only: two processes that both think they
/// lead do no harm, because the logs fence them (docs/protocols/logs.md).
///
/// Threads: `elected` is called on the executor the implementation was given, at most once.
class LeaderElection {
 public:
  virtual ~LeaderElection() = default;
  virtual void Start(std::function<void()> elected) = 0;
  /// Why it cannot be found out who leads, as of the last try; OK: it can, or nothing can be wrong.
  /// On the executor.
  virtual absl::Status last_error() const { return absl::OkStatus(); }
};

}  // namespace weir::jobmanager

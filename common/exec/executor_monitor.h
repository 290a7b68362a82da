#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"
#include "common/time/clock.h"

namespace weir {

/// Tells whether an executor still runs closures: each look posts one, unless one is on its way,
/// and says for how long the one on its way has been. Nothing runs between looks, so whoever
/// watches looks again and again, as a liveness probe does.
///
/// Threads: any. Lifetime: executor and clock outlive the monitor; a closure that was posted may
/// outlive it.
class ExecutorMonitor {
 public:
  ExecutorMonitor(std::string name, Executor& executor, const Clock& clock);

  const std::string& name() const { return name_; }
  /// How long the closure of an earlier look has been waiting; nothing when it has run.
  std::optional<absl::Duration> Look();

 private:
  struct Shared {
    Mutex mutex;
    std::optional<absl::Duration> posted_at WEIR_GUARDED_BY(mutex);  // monotonic
  };

  const std::string name_;
  Executor& executor_;
  const Clock& clock_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace weir

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/time/time.h"

#include "common/base/ids.h"
#include "proto/control.pb.h"
#include "taskmanager/task/task_host.h"

namespace weir::taskmanager {

/// Which tasks of a worker have not come back from a step in time: a function of the job's author
/// that hangs, a client that blocks. Names them in the log, once and again each time it has lasted
/// twice as long, and keeps them for the worker's reports and metrics.
///
/// Threads: not thread-safe; the worker's executor, which no task can block.
class StallWatch {
 public:
  /// Looks at the slots; called often. `timeout` zero: at nothing.
  void Look(const std::map<uint32_t, TaskHost*>& hosts, absl::Duration timeout);
  /// What the last look found, by slot.
  const std::vector<StalledStep>& stalls() const { return stalls_; }
  void AddMetrics(proto::WorkerMetrics* metrics) const;

 private:
  void Log(const StalledStep& stall);

  std::vector<StalledStep> stalls_;
  std::map<SubtaskId, absl::Duration> logged_;  // of what stalls now: how long when it was logged
};

}  // namespace weir::taskmanager

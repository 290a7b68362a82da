#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"
#include "common/time/clock.h"
#include "taskmanager/task/task_host.h"

namespace weir::taskmanager {

/// Steps the ready tasks of one slot round robin as closures of an Executor, and posts nothing
/// while none is ready.
///
/// Threads: as TaskHost. Tasks run on the executor.
/// Lifetime: executor and clock must outlive the host; destroy it only when its executor runs
/// nothing more, or from a closure of the executor. Tasks that are still here are let go unclosed
/// by a cancel: their destructors close them.
class ExecutorTaskHost final : public TaskHost {
 public:
  struct Options {
    /// Steps of each ready task within one closure, before other closures get their turn.
    size_t rounds_per_turn = 32;
    /// A longer step is logged when it comes back.
    absl::Duration stall_threshold = absl::Seconds(5);
  };
  ExecutorTaskHost(Executor& executor, const Clock& clock, const Options& options);
  ~ExecutorTaskHost() override;

  void AddTask(std::shared_ptr<Task> task) override;
  void RemoveAll(std::function<void()> done) override;

  std::optional<StalledStep> FindStall(absl::Duration threshold) const override;

 private:
  struct Entry;
  struct State;
  const std::shared_ptr<State> state_;
};

}  // namespace weir::taskmanager

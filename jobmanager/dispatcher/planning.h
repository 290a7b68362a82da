#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/random.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "jobmanager/resource/task_manager_registry.h"

namespace weir::jobmanager {

/// Plans made by TaskManagers: the JobManager runs no user code.
/// Threads: the owner's executor. Lifetime: borrows its dependencies.
class Planning {
 public:
  using Done = std::function<void(absl::StatusOr<proto::JobGraph>)>;

  Planning(Executor& executor, Random& random, TaskManagerRegistry& task_managers);
  ~Planning();

  /// INVALID_ARGUMENT: the planner's sentence; UNAVAILABLE: no TaskManager is there, or none
  /// answered in time.
  void Plan(const std::string& artifact, const std::vector<std::string>& arguments, Done done);
  void OnResult(const proto::PlannerResult& result);

 private:
  struct Request {
    Done done;
    TimerId timer = 0;
  };
  void Finish(const std::string& id, absl::StatusOr<proto::JobGraph> result);

  Executor& executor_;
  Random& random_;
  TaskManagerRegistry& task_managers_;
  std::map<std::string, Request> requests_;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager

#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/random.h"
#include "common/exec/executor.h"
#include "jobmanager/dispatcher/pending_questions.h"
#include "jobmanager/resource/task_manager_registry.h"

namespace weir::jobmanager {

/// Plans made by TaskManagers: the JobManager runs no user code.
/// Threads: the owner's executor. Lifetime: borrows its dependencies.
class Planning {
 public:
  using Done = PendingQuestions<proto::JobGraph>::Done;

  Planning(Executor& executor, Random& random, TaskManagerRegistry& task_managers);

  /// INVALID_ARGUMENT: the planner's sentence; UNAVAILABLE: no TaskManager is there, or none
  /// answered in time.
  void Plan(const std::string& artifact, const std::vector<std::string>& arguments, Done done);
  void OnResult(const proto::PlannerResult& result);

 private:
  Random& random_;
  TaskManagerRegistry& task_managers_;
  PendingQuestions<proto::JobGraph> questions_;
};

}  // namespace weir::jobmanager

#include "jobmanager/dispatcher/planning.h"

#include <utility>

namespace weir::jobmanager {
namespace {
constexpr absl::Duration kPlanTimeout = absl::Seconds(30);
}  // namespace

Planning::Planning(Executor& executor, Random& random, TaskManagerRegistry& task_managers)
    : random_(random), task_managers_(task_managers), questions_(executor) {}

void Planning::Plan(const std::string& artifact, const std::vector<std::string>& arguments,
                    Done done) {
  proto::RunPlanner message;
  message.set_request(random_.HexId("plan-"));
  message.set_artifact(artifact);
  *message.mutable_arguments() = {arguments.begin(), arguments.end()};
  questions_.Add(message.request(), kPlanTimeout,
                 absl::UnavailableError("the TaskManager that was to plan the job did not answer"),
                 std::move(done));
  if (!task_managers_.RunPlanner(message)) {
    questions_.Answered(
        message.request(),
        absl::ResourceExhaustedError("no TaskManager is registered that could plan the job"));
  }
}

void Planning::OnResult(const proto::PlannerResult& result) {
  if (result.error().empty()) {
    questions_.Answered(result.request(), result.graph());
  } else {
    questions_.Answered(result.request(), absl::InvalidArgumentError(result.error()));
  }
}

}  // namespace weir::jobmanager

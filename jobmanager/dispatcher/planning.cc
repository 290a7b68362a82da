#include "jobmanager/dispatcher/planning.h"

#include <utility>

namespace weir::jobmanager {
namespace {
constexpr absl::Duration kPlanTimeout = absl::Seconds(30);
}  // namespace

Planning::Planning(Executor& executor, Random& random, TaskManagerRegistry& task_managers)
    : executor_(executor), random_(random), task_managers_(task_managers) {}

Planning::~Planning() {
  for (auto& [id, request] : requests_) executor_.Cancel(request.timer);
}

void Planning::Plan(const std::string& artifact, const std::vector<std::string>& arguments,
                    Done done) {
  proto::RunPlanner message;
  message.set_request(random_.HexId("plan-"));
  message.set_artifact(artifact);
  *message.mutable_arguments() = {arguments.begin(), arguments.end()};
  const std::string id = message.request();
  Request& request = requests_[id];
  request.done = std::move(done);
  request.timer = executor_.PostAfter(kPlanTimeout, lifetime_.Guard([this, id] {
    Finish(id, absl::UnavailableError("the TaskManager that was to plan the job did not answer"));
  }));
  if (!task_managers_.RunPlanner(message)) {
    Finish(id,
           absl::ResourceExhaustedError("no TaskManager is registered that could plan the job"));
  }
}

void Planning::OnResult(const proto::PlannerResult& result) {
  if (result.error().empty()) {
    Finish(result.request(), result.graph());
  } else {
    Finish(result.request(), absl::InvalidArgumentError(result.error()));
  }
}

void Planning::Finish(const std::string& id, absl::StatusOr<proto::JobGraph> result) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  executor_.Cancel(it->second.timer);
  const Done done = std::move(it->second.done);
  requests_.erase(it);
  done(std::move(result));
}

}  // namespace weir::jobmanager

#include "taskmanager/worker/task_failure_judgement.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

// Of all topics that keys are aligned with.
absl::Status CheckPartitionings(const StreamGraph& graph) {
  for (const StreamNode& node : graph.nodes) {
    if (node.kind != StreamNode::Kind::kSource || !node.source->partitioning()) continue;
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<SplitEnumerator> enumerator,
                          node.source->MakeEnumerator());
    WEIR_RETURN_IF_ERROR(
        Annotate(enumerator->CheckPartitioning(), absl::StrCat("source '", node.name, "'")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status JudgeTaskFailure(const StreamGraph& graph, const TaskFailure& failure) {
  const absl::Status status(failure.status.code(), failure.ToString());
  const FailurePolicy policy = FailurePolicyOf(failure.status);
  if (policy != FailurePolicy::kMisplaced) return WithFailurePolicy(status, policy);
  const absl::Status topics = CheckPartitionings(graph);
  if (FailurePolicyOf(topics) == FailurePolicy::kSuspendJob) return topics;
  return topics.ok() ? WithFailurePolicy(status, FailurePolicy::kFailJob) : status;
}

bool AsksBrokers(const TaskFailure& failure) {
  return FailurePolicyOf(failure.status) == FailurePolicy::kMisplaced;
}

}  // namespace weir::taskmanager

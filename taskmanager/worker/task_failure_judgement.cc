#include "taskmanager/worker/task_failure_judgement.h"

#include <algorithm>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

// A source whose topic keys are aligned with.
bool IsAligned(const StreamNode& node) {
  return node.kind == StreamNode::Kind::kSource && node.source->partitioning();
}

absl::Status CheckPartitionings(const StreamGraph& graph) {
  for (const StreamNode& node : graph.nodes) {
    if (!IsAligned(node)) continue;
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
  if (policy != FailurePolicy::kFailJob) return WithFailurePolicy(status, policy);
  const absl::Status topics = CheckPartitionings(graph);
  if (FailurePolicyOf(topics) == FailurePolicy::kSuspendJob) return topics;
  return topics.ok() ? WithFailurePolicy(status, policy) : status;
}

bool AsksBrokers(const StreamGraph& graph, const TaskFailure& failure) {
  return FailurePolicyOf(failure.status) == FailurePolicy::kFailJob &&
         std::any_of(graph.nodes.begin(), graph.nodes.end(), IsAligned);
}

}  // namespace weir::taskmanager

#pragma once

#include "absl/status/status.h"

#include "common/operator/stream_graph.h"
#include "taskmanager/task/task_observer.h"

namespace weir::taskmanager {

/// What the failure of a task is for its job: the sentence, and the policy of a record that is not
/// in the partition of its key (docs/protocols/partition-aligned-keying.md). That one fails the
/// job, but suspends it when the topic has another number of partitions by now: its producers know
/// already. While the brokers do not tell, it is a failure as others are.
///
/// Blocks for failures with a policy of their own: runs on a BlockingPool.
absl::Status JudgeTaskFailure(const StreamGraph& graph, const TaskFailure& failure);

/// Whether the brokers are asked for it: producers may know of new partitions before all of them
/// do, so that a second answer may be another one.
bool AsksBrokers(const TaskFailure& failure);

}  // namespace weir::taskmanager

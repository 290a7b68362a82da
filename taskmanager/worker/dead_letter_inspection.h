#pragma once

#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"

namespace weir::taskmanager {

/// Answers one question of `weir dlq`, in a process of the job's binary in which no task runs.
///
/// Blocks for as long as the outside takes. `plan` is what this process planned of `graph`.
/// Errors are in the result: those of DeadLetterBox; INVALID_ARGUMENT: no such operator, or no
/// saying which; FAILED_PRECONDITION: no operator has dead letters, or the plan is not the job's.
proto::TransactionsResult InspectDeadLetters(const StreamGraph& graph, const proto::JobGraph& plan,
                                             const proto::RunTransactions& request);

}  // namespace weir::taskmanager

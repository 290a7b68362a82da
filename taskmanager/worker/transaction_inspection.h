#pragma once

#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"

namespace weir::taskmanager {

/// Answers one question of `weir transactions`, in a process of the job's binary that has
/// coordinator tasks alone: no task runs in it, and no record is read or written.
/// docs/protocols/transactions.md.
///
/// Blocks for as long as the sinks' outside takes. `plan` is what this process planned of `graph`.
/// Errors are in the result: those of SinkTransactions; INVALID_ARGUMENT: no such sink, no sink
/// with such an id, or no saying which; FAILED_PRECONDITION: the plan is not the job's.
proto::TransactionsResult InspectTransactions(const StreamGraph& graph, const proto::JobGraph& plan,
                                              const proto::RunTransactions& request);

}  // namespace weir::taskmanager

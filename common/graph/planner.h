#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "common/operator/stream_graph.h"
#include "proto/job_graph.pb.h"

namespace weir {

struct PlannerOptions {
  /// Number of key groups, fixed for the life of a job.
  uint32_t max_parallelism = 1024;
};

/// Turns the dataflow a job's author wrote into what is scheduled: operators that read each other
/// with equal parallelism become one vertex (a chain, run by one task), unless the author wants
/// them apart; the others are joined by FORWARD edges. Pure and deterministic: the same graph gives
/// the same bytes and the same fingerprint in every process.
///
/// Errors: INVALID_ARGUMENT with one sentence that names the operators: no source, no sink, a
/// stream nobody reads, an empty name, a uid used twice, a stream united with itself,
/// parallelism above the maximum, StreamNode::mistake, what keeps an operator from being aligned
/// with the partitions of a topic (partition_alignment.h); and whatever Source::Validate and
/// Sink::Validate find, with the operator's name in front.
absl::StatusOr<proto::JobGraph> PlanJob(const StreamGraph& graph,
                                        const PlannerOptions& options = {});

}  // namespace weir

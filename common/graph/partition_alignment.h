#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "common/connector/topic_partitioning.h"
#include "common/operator/stream_graph.h"

namespace weir {

/// The topic whose partitions are the key groups of an operator; nothing: its key groups, if it has
/// any, are by hash. docs/protocols/partition-aligned-keying.md. Pure.
///
/// Errors: INVALID_ARGUMENT, one sentence with the operator and what keeps it from being aligned.
absl::StatusOr<std::optional<TopicPartitioning>> AlignmentOf(const StreamGraph& graph,
                                                             const StreamNode& node);

/// "4 partitions by murmur2": what of it a restore must find again; part of manifests.
std::string DescribeKeying(uint32_t partitions, const std::string& partitioner);

}  // namespace weir

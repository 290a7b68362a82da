#pragma once

#include <cstdint>

#include "proto/job_graph.pb.h"

namespace weir::taskmanager {

/// All inline operator state of a job together. A restore sends it to each worker in one control
/// message (of kMaxMessageBytes at most), and the coordinator's once more for each epoch whose
/// commit is outstanding.
inline constexpr uint64_t kInlineOperatorStateBytes = 2u << 20;

/// How large an object of operator state may be and lie in the message: what the configuration says
/// of all state, and less in a job that has many of them.
uint64_t OperatorStateInlineMax(const proto::JobGraph& graph, uint64_t configured);

}  // namespace weir::taskmanager

#pragma once

#include <string>

#include "proto/job_graph.pb.h"

namespace weir {

/// SHA-256, in lower-case hex, over everything in the plan but the fingerprint itself: graph and
/// operator configuration, not the code of user functions. The same in every process and build.
///
/// Canonical form: every field in the order of proto/job_graph.proto, maps ordered by key; a number
/// as decimal text and a string as its length, ':' and its bytes, each followed by '\n'; a list as
/// its count before its elements.
std::string FingerprintOf(const proto::JobGraph& plan);

}  // namespace weir

#pragma once

#include <string>

#include "proto/job_graph.pb.h"

namespace weir {

/// The plan for a person: the job, then each vertex with its operators as a tree in the order the
/// records take, with their configuration. Ends with a newline.
std::string RenderPlanText(const proto::JobGraph& plan);

/// The plan as one JSON object with the field names of proto/job_graph.proto, indented by two
/// spaces; numbers are numbers, maps are objects ordered by key. Ends with a newline.
std::string RenderPlanJson(const proto::JobGraph& plan);

/// The plan in Graphviz' language, a box per vertex: `job plan --format dot | dot -Tsvg`.
std::string RenderPlanDot(const proto::JobGraph& plan);

}  // namespace weir

#pragma once

#include "common/base/ids.h"
#include "proto/job_graph.pb.h"

namespace weir {

/// Null: there is none. The graph's.
inline const proto::JobVertex* FindVertex(const proto::JobGraph& graph, VertexId id) {
  for (const proto::JobVertex& vertex : graph.vertices()) {
    if (vertex.id() == id.value()) return &vertex;
  }
  return nullptr;
}

/// 0 for a vertex that is not there.
inline uint32_t ParallelismOf(const proto::JobGraph& graph, VertexId id) {
  const proto::JobVertex* vertex = FindVertex(graph, id);
  return vertex == nullptr ? 0 : vertex->parallelism();
}

}  // namespace weir

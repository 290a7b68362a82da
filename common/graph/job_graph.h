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

/// How many key groups the keyed operators of a vertex have: the partitions of their topic, or the
/// maximum parallelism of the job. (By hash is only what comes first in a vertex, and by partitions
/// only what a source is in front of: no vertex has both, or two topics.)
inline uint32_t KeyGroupsOf(const proto::JobGraph& graph, VertexId id) {
  const proto::JobVertex* vertex = FindVertex(graph, id);
  if (vertex == nullptr) return graph.max_parallelism();
  for (const proto::OperatorDescriptor& one : vertex->operators()) {
    if (one.has_partition_keying()) return one.partition_keying().partitions();
  }
  return graph.max_parallelism();
}

}  // namespace weir

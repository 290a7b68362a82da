#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/types/key_group.h"
#include "proto/checkpoint.pb.h"
#include "proto/job_graph.pb.h"

namespace weir {

/// Which subtask has which key group, for each keyed vertex of a graph: what the entry that starts
/// a generation holds. Contiguous ranges, by the formula of docs/formats/key-groups.md; nobody but
/// whoever writes that entry asks the formula.
std::vector<proto::KeyGroupTable> MakeKeyGroupTables(const proto::JobGraph& graph);

/// Null: the vertex has none. The owner's.
template <class Tables>
const proto::KeyGroupTable* FindKeyGroupTable(const Tables& tables, VertexId vertex) {
  for (const proto::KeyGroupTable& table : tables) {
    if (table.vertex() == vertex.value()) return &table;
  }
  return nullptr;
}

/// Entry g is the subtask of group g. FAILED_PRECONDITION unless it has this many groups and gives
/// each subtask below `parallelism` one run of them.
absl::StatusOr<std::vector<uint32_t>> ReadKeyGroupTable(const proto::KeyGroupTable& table,
                                                        const KeyGroupLayout& layout);

/// The groups of one subtask in a table that was read; empty: it has none.
KeyGroupRange KeyGroupRangeIn(const std::vector<uint32_t>& table, uint32_t subtask);

}  // namespace weir

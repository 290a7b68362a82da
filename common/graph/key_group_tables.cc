#include "common/graph/key_group_tables.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/ids.h"
#include "common/graph/job_graph.h"

namespace weir {
namespace {

bool IsKeyed(const proto::JobGraph& graph, const proto::JobVertex& vertex) {
  for (const proto::OperatorDescriptor& one : vertex.operators()) {
    if (one.has_partition_keying()) return true;
  }
  return std::any_of(graph.edges().begin(), graph.edges().end(), [&](const proto::JobEdge& edge) {
    return edge.exchange() == proto::JobEdge::HASH && edge.target_vertex() == vertex.id();
  });
}

}  // namespace

std::vector<proto::KeyGroupTable> MakeKeyGroupTables(const proto::JobGraph& graph) {
  std::vector<proto::KeyGroupTable> tables;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    if (!IsKeyed(graph, vertex)) continue;
    proto::KeyGroupTable& table = tables.emplace_back();
    table.set_vertex(vertex.id());
    const KeyGroupLayout layout = {vertex.parallelism(), KeyGroupsOf(graph, VertexId(vertex.id()))};
    for (uint32_t subtask = 0; subtask < layout.parallelism; ++subtask) {
      const KeyGroupRange range = DefaultKeyGroupRange(subtask, layout);
      if (range.size() == 0) continue;
      proto::KeyGroupSpan* span = table.add_spans();
      span->set_end(range.end);
      span->set_subtask(subtask);
    }
  }
  return tables;
}

absl::StatusOr<std::vector<uint32_t>> ReadKeyGroupTable(const proto::KeyGroupTable& table,
                                                        const KeyGroupLayout& layout) {
  const auto wrong = [&](const std::string& why) {
    return absl::FailedPreconditionError(
        absl::StrCat("the table of key groups of vertex ", table.vertex(), " is wrong: ", why));
  };
  std::vector<uint32_t> subtasks;
  std::set<uint32_t> seen;
  for (const proto::KeyGroupSpan& span : table.spans()) {
    if (span.end() <= subtasks.size() || span.end() > layout.max_parallelism) {
      return wrong(absl::StrCat("a span ends at group ", span.end()));
    }
    if (span.subtask() >= layout.parallelism || !seen.insert(span.subtask()).second) {
      return wrong(absl::StrCat("subtask ", span.subtask(), " is not there, or there twice"));
    }
    subtasks.resize(span.end(), span.subtask());
  }
  if (subtasks.size() == layout.max_parallelism) return subtasks;
  return wrong(absl::StrCat("it has ", subtasks.size(), " of ", layout.max_parallelism, " groups"));
}

KeyGroupRange KeyGroupRangeIn(const std::vector<uint32_t>& table, uint32_t subtask) {
  const auto first = std::find(table.begin(), table.end(), subtask);
  const auto end = std::find_if(first, table.end(), [&](uint32_t one) { return one != subtask; });
  return {static_cast<uint32_t>(first - table.begin()), static_cast<uint32_t>(end - table.begin())};
}

}  // namespace weir

#include "taskmanager/worker/operator_state_limits.h"

#include <algorithm>

namespace weir::taskmanager {
namespace {

// Lists, union lists, broadcast state.
constexpr uint64_t kObjectsOfOperator = 3;

}  // namespace

uint64_t OperatorStateInlineMax(const proto::JobGraph& graph, uint64_t configured) {
  uint64_t objects = 0;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      if (one.kind() != proto::OperatorDescriptor::TRANSFORM) continue;
      objects += kObjectsOfOperator * vertex.parallelism();
    }
  }
  return std::min(configured, kInlineOperatorStateBytes / std::max<uint64_t>(objects, 1));
}

}  // namespace weir::taskmanager

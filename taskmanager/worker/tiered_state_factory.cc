#include "taskmanager/worker/tiered_state_factory.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/base/status_macros.h"
#include "common/graph/job_graph.h"
#include "state/tiered/tiered_keyed_state_backend.h"

namespace weir::taskmanager {

std::string StateDirectoryOf(const std::string& directory, Generation generation) {
  return absl::StrCat(directory, "/", generation.value());
}

size_t KeyedOperatorsOf(const StreamGraph& graph, const proto::Deployment& deployment) {
  size_t count = 0;
  for (const proto::TaskDeployment& task : deployment.tasks()) {
    const proto::JobVertex* vertex = FindVertex(deployment.graph(), VertexId(task.vertex()));
    if (vertex == nullptr) continue;
    for (const proto::OperatorDescriptor& one : vertex->operators()) {
      const StreamNode* node = graph.Find(one.uid());
      if (node != nullptr && !node->inputs.empty() && node->inputs[0].key != nullptr) ++count;
    }
  }
  return count;
}

KeyedStateFactory MakeTieredStateFactory(TieredStateSetup setup, const Clock& clock,
                                         BlockingPool& pool) {
  return [setup = std::move(setup), &clock, &pool](
             KeyedStateBackend::Options options, const std::string& operator_uid,
             SubtaskId subtask) -> absl::StatusOr<std::unique_ptr<KeyedStateBackend>> {
    const std::string place = absl::StrCat(subtask.vertex.value(), "-", subtask.index, "-",
                                           absl::Hex(StableHash64(operator_uid), absl::kZeroPad16));
    TieredStateOptions tiered;
    tiered.directory =
        absl::StrCat(StateDirectoryOf(setup.directory, setup.generation), "/", place);
    tiered.instance = absl::StrCat(setup.worker.value(), "-", setup.generation.value(), "-", place);
    tiered.memory_bytes = setup.memory_bytes / std::max<size_t>(1, setup.backends);
    tiered.materialise_bytes = std::min(tiered.materialise_bytes, tiered.memory_bytes / 4);
    WEIR_ASSIGN_OR_RETURN(
        std::unique_ptr<KeyedStateBackend> backend,
        TieredKeyedStateBackend::Open(std::move(options), std::move(tiered), clock, pool));
    return backend;
  };
}

}  // namespace weir::taskmanager

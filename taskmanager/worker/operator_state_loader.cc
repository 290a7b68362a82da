#include "taskmanager/worker/operator_state_loader.h"

#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/graph/job_graph.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {

OperatorStateLoader::OperatorStateLoader(const proto::Deployment& deployment, Fetch fetch)
    : deployment_(deployment), fetch_(std::move(fetch)) {}

absl::StatusOr<std::map<std::string, OperatorStateParts>> OperatorStateLoader::Load(
    const SubtaskId& task) {
  std::map<std::string, OperatorStateParts> loaded;
  const SubtaskPlace place{task.index, ParallelismOf(deployment_.graph(), task.vertex)};
  for (const proto::OperatorStateParts& from : deployment_.operator_states()) {
    if (VertexId(from.vertex()) != task.vertex || from.parts().empty()) continue;
    WEIR_ASSIGN_OR_RETURN(loaded[from.uid()], LoadParts(from, place));
  }
  return loaded;
}

absl::StatusOr<OperatorStateParts> OperatorStateLoader::LoadParts(
    const proto::OperatorStateParts& from, const SubtaskPlace& place) {
  OperatorStateParts parts;
  std::vector<ListSizes> sizes;
  for (const proto::OperatorStateSnapshot& one : from.parts()) {
    sizes.push_back(ListSizesOf(one));
    parts.emplace_back().list_sizes = sizes.back();
  }
  const std::vector<ListShares> shares = DealOutLists(sizes, place);
  const uint32_t broadcast = BroadcastFrom(static_cast<uint32_t>(parts.size()), place.index);
  for (size_t i = 0; i < parts.size(); ++i) {
    const proto::OperatorStateSnapshot& one = from.parts(static_cast<int>(i));
    if (!shares[i].empty()) {
      WEIR_ASSIGN_OR_RETURN(parts[i].lists, Get(from, i, one.lists()));
    }
    WEIR_ASSIGN_OR_RETURN(parts[i].union_lists, Get(from, i, one.union_lists()));
    if (i == broadcast) {
      WEIR_ASSIGN_OR_RETURN(parts[i].broadcast, Get(from, i, one.broadcast()));
    }
  }
  return parts;
}

absl::StatusOr<OperatorStateLoader::Bytes> OperatorStateLoader::Get(
    const proto::OperatorStateParts& from, size_t subtask, const proto::StateObject& object) {
  if (object.size_bytes() == 0) return Bytes();
  Bytes& bytes = loaded_[&object];
  if (bytes != nullptr) return bytes;
  const bool inlined = object.blob().empty();
  absl::StatusOr<std::string> found = inlined ? object.inlined() : fetch_(object);
  if (inlined && (found->size() != object.size_bytes() || Sha256Hex(*found) != object.sha256())) {
    return absl::DataLossError(absl::StrCat("the operator state of operator '", from.uid(),
                                            "' in subtask ", subtask,
                                            " does not match its SHA-256 ", object.sha256()));
  }
  WEIR_RETURN_IF_ERROR(found.status());
  loaded_bytes_ += found->size();
  bytes = std::make_shared<const std::string>(*std::move(found));
  return bytes;
}

}  // namespace weir::taskmanager

#include "taskmanager/worker/generation_preparation.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "state/checkpoint/state_object_store.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {
namespace {

absl::Status CheckProbe(FileSystem& files, const proto::Deployment& deployment,
                        const std::string& host) {
  const absl::StatusOr<std::string> probe = files.Read(deployment.probe_object());
  if (probe.ok() && *probe == deployment.probe_nonce()) return absl::OkStatus();
  if (absl::IsUnavailable(probe.status())) return probe.status();
  return absl::FailedPreconditionError(
      absl::StrCat("the checkpoint directory is not shared: host ", host, " does not see '",
                   deployment.probe_object(), "', which the JobManager wrote",
                   probe.ok() ? " (it sees another file there)" : ""));
}

absl::StatusOr<TaskSnapshotData> LoadSnapshot(StateObjectStore& store,
                                              proto::TaskSnapshot snapshot) {
  for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) {
    if (one.state().blob().empty()) continue;
    WEIR_ASSIGN_OR_RETURN(std::string bytes, store.Read(one.state()));
    one.mutable_state()->set_inlined(std::move(bytes));
    one.mutable_state()->clear_blob();
  }
  return FromProto(snapshot);
}

absl::StatusOr<RestoredTask> LoadTask(StateObjectStore& store, const proto::TaskDeployment& task) {
  RestoredTask restored;
  WEIR_ASSIGN_OR_RETURN(restored.snapshot, LoadSnapshot(store, task.restored()));
  for (const proto::TaskSnapshot& other : task.restored_others()) {
    WEIR_ASSIGN_OR_RETURN(restored.others.emplace_back(), LoadSnapshot(store, other));
  }
  return restored;
}

}  // namespace

PreparedGeneration PrepareGeneration(FileSystem& files, const StreamGraph& graph,
                                     const proto::Deployment& deployment,
                                     const GenerationContext& context) {
  PreparedGeneration prepared;
  prepared.storage_failed = true;
  prepared.status = CheckProbe(files, deployment, context.host);
  if (!prepared.status.ok()) return prepared;
  StateObjectStore store(files, deployment.storage_root());
  for (const proto::TaskDeployment& task : deployment.tasks()) {
    if (!task.has_restored()) continue;
    absl::StatusOr<RestoredTask> restored = LoadTask(store, task);
    if (!restored.ok()) {
      prepared.status = restored.status();
      return prepared;
    }
    prepared.restored[{VertexId(task.vertex()), task.index()}] = *std::move(restored);
  }
  prepared.storage_failed = false;
  if (deployment.coordinator()) {
    prepared.coordinator = std::make_shared<CoordinatorTasks>(graph, context.on_progress);
    prepared.status = prepared.coordinator->Initialize(deployment, context.identity,
                                                       context.generation, context.term);
  }
  return prepared;
}

bool IsWorthRetrying(const PreparedGeneration& prepared, bool restored) {
  if (prepared.storage_failed && absl::IsUnavailable(prepared.status)) return true;
  return IsWorthRetrying(prepared.status, restored);
}

bool IsWorthRetrying(const absl::Status& status, bool restored) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return false;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      // A broker that never answered is a wrong address more often than a passing fault.
      return restored;
    default:
      return true;
  }
}

}  // namespace weir::taskmanager

#include "taskmanager/worker/generation_preparation.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/base/status_macros.h"
#include "state/checkpoint/state_object_store.h"
#include "taskmanager/task/task_snapshot_conversion.h"
#include "taskmanager/worker/tiered_state_factory.h"

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

// The local copy of a file of keyed state. One that several operators have is fetched once.
absl::StatusOr<KeyedStateFile> Fetch(FileSystem& files, StateObjectStore& store,
                                     const proto::StateFile& file, const std::string& directory) {
  KeyedStateFile local;
  local.name = file.name();
  local.size_bytes = file.object().size_bytes();
  local.path = absl::StrCat(directory, "/", absl::Hex(StableHash64(file.name())));
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, store.Read(file.object()));
  WEIR_RETURN_IF_ERROR(files.Replace(local.path, bytes));
  return local;
}

absl::StatusOr<TaskSnapshotData> LoadSnapshot(FileSystem& files, StateObjectStore& store,
                                              proto::TaskSnapshot snapshot,
                                              const std::string& directory) {
  for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) {
    if (one.state().blob().empty()) continue;
    WEIR_ASSIGN_OR_RETURN(std::string bytes, store.Read(one.state()));
    one.mutable_state()->set_inlined(std::move(bytes));
    one.mutable_state()->clear_blob();
  }
  WEIR_ASSIGN_OR_RETURN(TaskSnapshotData data, FromProto(snapshot));
  for (int i = 0; i < snapshot.operators_size(); ++i) {
    const proto::OperatorSnapshot& one = snapshot.operators(i);
    if (one.files().empty()) continue;
    WEIR_RETURN_IF_ERROR(files.MakeDirectory(directory));
    for (const proto::StateFile& file : one.files()) {
      WEIR_ASSIGN_OR_RETURN(data.operators[static_cast<size_t>(i)].files.emplace_back(),
                            Fetch(files, store, file, directory));
    }
  }
  return data;
}

absl::StatusOr<RestoredTask> LoadTask(FileSystem& files, StateObjectStore& store,
                                      const proto::TaskDeployment& task,
                                      const std::string& directory) {
  RestoredTask restored;
  WEIR_ASSIGN_OR_RETURN(restored.snapshot, LoadSnapshot(files, store, task.restored(), directory));
  for (const proto::TaskSnapshot& other : task.restored_others()) {
    WEIR_ASSIGN_OR_RETURN(restored.others.emplace_back(),
                          LoadSnapshot(files, store, other, directory));
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
    absl::StatusOr<RestoredTask> restored =
        LoadTask(files, store, task,
                 absl::StrCat(StateDirectoryOf(context.state_directory, context.generation),
                              "/restored"));
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

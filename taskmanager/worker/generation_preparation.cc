#include "taskmanager/worker/generation_preparation.h"

#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "state/checkpoint/state_object_store.h"
#include "state/tiered/local_file.h"
#include "taskmanager/local_state/local_state_copies.h"
#include "taskmanager/task/task_snapshot_conversion.h"
#include "taskmanager/worker/operator_state_loader.h"
#include "taskmanager/worker/tiered_state_factory.h"

namespace weir::taskmanager {
namespace {

absl::Status CheckProbe(FileSystem& files, const proto::Deployment& deployment,
                        const std::string& host) {
  const absl::StatusOr<std::string> probe = files.Read(deployment.probe_object());
  if (probe.ok() && *probe == deployment.probe_nonce()) return absl::OkStatus();
  if (absl::IsUnavailable(probe.status())) return probe.status();
  // A job that ran before has seen it everywhere: this host has lost it, and may find it again.
  return absl::Status(
      deployment.restored() ? absl::StatusCode::kUnavailable
                            : absl::StatusCode::kFailedPrecondition,
      absl::StrCat("the checkpoint directory is not shared: host ", host, " does not see '",
                   deployment.probe_object(), "', which the JobManager wrote",
                   probe.ok() ? " (it sees another file there)" : ""));
}

/// Loads what tasks start from; counts where files of keyed state came from.
class SnapshotLoader {
 public:
  SnapshotLoader(FileSystem& files, const proto::Deployment& deployment,
                 const GenerationContext& context)
      : files_(files),
        deployment_(deployment),
        host_(context.host),
        on_progress_(context.on_progress),
        store_(files, deployment.storage_root()),
        operator_states_(deployment,
                         [this](const proto::StateObject& object) { return Fetch(object); }),
        copies_(context.state_directory),
        directory_(absl::StrCat(StateDirectoryOf(context.state_directory, context.generation),
                                "/restored")) {}

  absl::StatusOr<RestoredTask> Load(const proto::TaskDeployment& task) {
    RestoredTask restored;
    WEIR_ASSIGN_OR_RETURN(restored.snapshot, LoadSnapshot(task.restored()));
    for (const proto::TaskSnapshot& other : task.restored_others()) {
      WEIR_ASSIGN_OR_RETURN(restored.others.emplace_back(), LoadSnapshot(other));
    }
    WEIR_ASSIGN_OR_RETURN(restored.operator_states,
                          operator_states_.Load({VertexId(task.vertex()), task.index()}));
    return restored;
  }
  /// When all are loaded: copies of other files are of no use any more.
  void DropOtherCopies() const { copies_.KeepOnly(kept_); }
  uint64_t fetched_bytes() const { return fetched_bytes_; }
  uint64_t local_bytes() const { return local_bytes_; }
  uint64_t operator_state_bytes() const { return operator_states_.loaded_bytes(); }

 private:
  absl::StatusOr<TaskSnapshotData> LoadSnapshot(proto::TaskSnapshot snapshot) {
    for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) {
      if (one.state().blob().empty()) continue;
      WEIR_ASSIGN_OR_RETURN(std::string bytes, Fetch(one.state()));
      one.mutable_state()->set_inlined(std::move(bytes));
      one.mutable_state()->clear_blob();
    }
    WEIR_ASSIGN_OR_RETURN(TaskSnapshotData data, FromProto(snapshot));
    for (int i = 0; i < snapshot.operators_size(); ++i) {
      for (const proto::StateFile& file : snapshot.operators(i).files()) {
        WEIR_ASSIGN_OR_RETURN(data.operators[static_cast<size_t>(i)].files.emplace_back(),
                              Get(file));
      }
    }
    return data;
  }

  // What storage does not have is lost, if it is still there itself.
  absl::StatusOr<std::string> Fetch(const proto::StateObject& object) {
    absl::StatusOr<std::string> bytes = store_.Read(object);
    if (bytes.ok()) on_progress_();
    if (!absl::IsNotFound(bytes.status())) return bytes;
    WEIR_RETURN_IF_ERROR(CheckProbe(files_, deployment_, host_));
    return absl::DataLossError(
        absl::StrCat("a file of the checkpoint is missing: ", bytes.status().message()));
  }

  // On this machine, for as long as somebody has it: the backends link what they need.
  absl::StatusOr<KeyedStateFile> Get(const proto::StateFile& file) {
    KeyedStateFile local;
    local.name = file.name();
    local.size_bytes = file.object().size_bytes();
    local.path = absl::StrCat(directory_, "/", ++files_made_);
    local.keep = std::make_shared<LocalPath>(local.path);
    WEIR_RETURN_IF_ERROR(files_.MakeDirectory(directory_));
    if (copies_.Take(local.name, local.size_bytes, file.object().sha256(), local.path)) {
      local_bytes_ += local.size_bytes;
      on_progress_();
    } else {
      WEIR_ASSIGN_OR_RETURN(const std::string bytes, Fetch(file.object()));
      WEIR_RETURN_IF_ERROR(files_.Replace(local.path, bytes));
      fetched_bytes_ += local.size_bytes;
    }
    copies_.Keep(local.name, local.path);
    kept_.insert(local.name);
    return local;
  }

  FileSystem& files_;
  const proto::Deployment& deployment_;
  const std::string host_;
  const std::function<void()> on_progress_;
  StateObjectStore store_;
  OperatorStateLoader operator_states_;
  const LocalStateCopies copies_;
  const std::string directory_;
  std::set<std::string> kept_;
  uint64_t files_made_ = 0;
  uint64_t fetched_bytes_ = 0;
  uint64_t local_bytes_ = 0;
};

// What a former generation of this process had: its tasks are gone.
void RemoveFormerGenerations(const GenerationContext& context) {
  if (context.state_directory.empty()) return;
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::directory_iterator it(context.state_directory, error), end; !error && it != end;
       it.increment(error)) {
    uint64_t generation = 0;
    if (absl::SimpleAtoi(it->path().filename().string(), &generation) &&
        generation < context.generation.value()) {
      std::error_code ignored;
      fs::remove_all(it->path(), ignored);
    }
  }
}

}  // namespace

PreparedGeneration PrepareGeneration(FileSystem& files, const StreamGraph& graph,
                                     const proto::Deployment& deployment,
                                     const GenerationContext& context) {
  PreparedGeneration prepared;
  prepared.storage_failed = true;
  prepared.status = CheckProbe(files, deployment, context.host);
  if (!prepared.status.ok()) return prepared;
  RemoveFormerGenerations(context);
  SnapshotLoader loader(files, deployment, context);
  for (const proto::TaskDeployment& task : deployment.tasks()) {
    if (!task.has_restored() && deployment.operator_states().empty()) continue;
    absl::StatusOr<RestoredTask> restored = loader.Load(task);
    if (!restored.ok()) {
      prepared.status = restored.status();
      return prepared;
    }
    prepared.restored[{VertexId(task.vertex()), task.index()}] = *std::move(restored);
  }
  loader.DropOtherCopies();
  prepared.storage_failed = false;
  if (loader.fetched_bytes() + loader.local_bytes() > 0) {
    LogInfo("files of keyed state are here", {{"generation", context.generation},
                                              {"fetched_bytes", loader.fetched_bytes()},
                                              {"local_bytes", loader.local_bytes()}});
  }
  if (loader.operator_state_bytes() > 0) {
    LogInfo("operator state is here",
            {{"generation", context.generation}, {"bytes", loader.operator_state_bytes()}});
  }
  if (deployment.coordinator()) {
    prepared.coordinator =
        std::make_shared<CoordinatorTasks>(graph, context.on_progress, context.patience);
    prepared.status = prepared.coordinator->Initialize(deployment, context.identity,
                                                       context.generation, context.term);
  }
  return prepared;
}

std::shared_ptr<UploadedFiles> RestoredFiles(const proto::Deployment& deployment) {
  auto files = std::make_shared<UploadedFiles>();
  const Epoch epoch(deployment.restored_epoch());
  const auto add = [&](const proto::TaskSnapshot& snapshot) {
    for (const proto::OperatorSnapshot& one : snapshot.operators()) {
      for (const proto::StateFile& file : one.files()) {
        files->Add(file.name(), epoch, file.object());
      }
    }
  };
  for (const proto::TaskDeployment& task : deployment.tasks()) {
    add(task.restored());
    for (const proto::TaskSnapshot& other : task.restored_others()) add(other);
  }
  files->Owned(epoch);
  return files;
}

bool IsWorthRetrying(const PreparedGeneration& prepared, bool restored) {
  if (prepared.storage_failed && absl::IsUnavailable(prepared.status)) return true;
  return IsWorthRetrying(prepared.status, restored);
}

bool IsWorthRetrying(const absl::Status& status, bool restored) {
  if (FailurePolicyOf(status) == FailurePolicy::kRestartJob) return true;
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

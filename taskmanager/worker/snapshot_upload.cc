#include "taskmanager/worker/snapshot_upload.h"

#include <utility>

#include "common/base/status_macros.h"
#include "state/checkpoint/storage_layout.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/operator/frozen_operator_state.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {

bool SnapshotUpload::Needed(const proto::TaskSnapshot& snapshot) const {
  if (!keyed.empty() || !operator_states.empty()) return true;
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    if (one.state().inlined().size() > inline_max_bytes) return true;
  }
  return false;
}

absl::Status SnapshotUpload::Write(FileSystem& files, const std::string& job_directory,
                                   proto::TaskSnapshot* snapshot) {
  WEIR_ASSIGN_OR_RETURN(auto increments, TakeIncrements());
  StateObjectStore store(files, job_directory);
  for (proto::OperatorSnapshot& one : *snapshot->mutable_operators()) {
    if (const auto state = increments.extract(one.uid()); !state.empty()) {
      WEIR_RETURN_IF_ERROR(WriteKeyed(files, store, state.mapped(), one));
    } else if (one.state().inlined().size() > inline_max_bytes) {
      const std::string bytes = one.state().inlined();
      WEIR_RETURN_IF_ERROR(WriteObject(store, bytes, inline_max_bytes, one.mutable_state()));
    }
    if (const auto state = operator_states.find(one.uid()); state != operator_states.end()) {
      one.mutable_operator_state()->set_parallelism(snapshot->parallelism());
      WEIR_RETURN_IF_ERROR(WriteOperatorState(store, *state->second, one.mutable_operator_state()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, KeyedStateIncrement>> SnapshotUpload::TakeIncrements() {
  std::map<std::string, KeyedStateIncrement> increments;
  while (!keyed.empty()) {
    // Gone at the end of each round.
    const auto state = keyed.extract(keyed.begin());
    WEIR_ASSIGN_OR_RETURN(increments[state.key()], state.mapped()->WriteIncrement());
  }
  return increments;
}

absl::Status SnapshotUpload::WriteKeyed(FileSystem& files, StateObjectStore& store,
                                        const KeyedStateIncrement& increment,
                                        proto::OperatorSnapshot& one) const {
  WEIR_RETURN_IF_ERROR(
      WriteObject(store, increment.manifest, inline_max_bytes, one.mutable_state()));
  for (const KeyedStateFile& file : increment.files) {
    proto::StateFile written;
    written.set_name(file.name);
    if (const auto known = uploaded->Find(file.name, epoch)) {
      *written.mutable_object() = *known;
      written.set_reused(true);
    } else {
      WEIR_ASSIGN_OR_RETURN(const std::string bytes, files.Read(file.path));
      WEIR_RETURN_IF_ERROR(WriteObject(store, bytes, 0, written.mutable_object()));
      if (uploaded->Add(file.name, epoch, written.object())) copies.Keep(file.name, file.path);
    }
    *one.add_files() = std::move(written);
  }
  return absl::OkStatus();
}

// What is written before an error is told, too.
absl::Status SnapshotUpload::WriteOperatorState(StateObjectStore& store,
                                                const FrozenOperatorState& state,
                                                proto::OperatorStateSnapshot* written) const {
  const OperatorStateObjects objects = state.Write();
  SetListSizes(objects.list_sizes, written);
  const uint64_t inline_max = operator_inline_max_bytes;
  if (!objects.lists.empty()) {
    WEIR_RETURN_IF_ERROR(WriteObject(store, objects.lists, inline_max, written->mutable_lists()));
  }
  if (!objects.union_lists.empty()) {
    WEIR_RETURN_IF_ERROR(
        WriteObject(store, objects.union_lists, inline_max, written->mutable_union_lists()));
  }
  if (objects.broadcast.empty()) return absl::OkStatus();
  return WriteObject(store, objects.broadcast, inline_max, written->mutable_broadcast());
}

// Between two objects it is seen whether anybody still waits for them.
absl::Status SnapshotUpload::WriteObject(StateObjectStore& store, const std::string& bytes,
                                         uint64_t inline_max, proto::StateObject* written) const {
  if (uploaded->IsOver(epoch)) {
    return absl::AbortedError("the checkpoint was given up while it was written");
  }
  const std::string blob = StorageLayout::BlobObject(worker, epoch, last_blob->fetch_add(1) + 1);
  WEIR_ASSIGN_OR_RETURN(*written, store.Write(bytes, inline_max, blob));
  return absl::OkStatus();
}

}  // namespace weir::taskmanager

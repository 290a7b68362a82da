#include "taskmanager/worker/snapshot_upload.h"

#include <utility>

#include "common/base/status_macros.h"
#include "state/checkpoint/storage_layout.h"
#include "state/keyed/keyed_state_backend.h"

namespace weir::taskmanager {

bool SnapshotUpload::Needed(const proto::TaskSnapshot& snapshot) const {
  if (!keyed.empty()) return true;
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    if (one.state().inlined().size() > inline_max_bytes) return true;
  }
  return false;
}

absl::StatusOr<proto::TaskSnapshot> SnapshotUpload::Write(FileSystem& files,
                                                          const std::string& job_directory,
                                                          proto::TaskSnapshot snapshot) const {
  StateObjectStore store(files, job_directory);
  for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) {
    if (const auto state = keyed.find(one.uid()); state != keyed.end()) {
      WEIR_RETURN_IF_ERROR(WriteKeyed(files, store, *state->second, one));
    } else if (one.state().inlined().size() > inline_max_bytes) {
      WEIR_ASSIGN_OR_RETURN(*one.mutable_state(),
                            store.Write(one.state().inlined(), inline_max_bytes, NextBlob()));
    }
  }
  return snapshot;
}

absl::Status SnapshotUpload::WriteKeyed(FileSystem& files, StateObjectStore& store,
                                        const FrozenState& state,
                                        proto::OperatorSnapshot& one) const {
  WEIR_ASSIGN_OR_RETURN(const KeyedStateIncrement increment, state.WriteIncrement());
  WEIR_ASSIGN_OR_RETURN(*one.mutable_state(),
                        store.Write(increment.manifest, inline_max_bytes, NextBlob()));
  for (const KeyedStateFile& file : increment.files) {
    proto::StateFile* written = one.add_files();
    written->set_name(file.name);
    if (const auto known = uploaded->Find(file.name, epoch)) {
      *written->mutable_object() = *known;
      written->set_reused(true);
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const std::string bytes, files.Read(file.path));
    WEIR_ASSIGN_OR_RETURN(*written->mutable_object(), store.Write(bytes, 0, NextBlob()));
    uploaded->Add(file.name, epoch, written->object());
  }
  return absl::OkStatus();
}

std::string SnapshotUpload::NextBlob() const {
  return StorageLayout::BlobObject(worker, epoch, last_blob->fetch_add(1) + 1);
}

}  // namespace weir::taskmanager

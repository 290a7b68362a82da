#include "taskmanager/worker/snapshot_upload.h"

#include <utility>

#include "common/base/status_macros.h"
#include "state/checkpoint/state_object_store.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::taskmanager {

bool SnapshotUpload::Needed(const proto::TaskSnapshot& snapshot) const {
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    if (one.state().inlined().size() > inline_max_bytes) return true;
  }
  return false;
}

absl::StatusOr<proto::TaskSnapshot> SnapshotUpload::Write(FileSystem& files,
                                                          const std::string& job_directory,
                                                          proto::TaskSnapshot snapshot) const {
  StateObjectStore store(files, job_directory);
  uint64_t number = first_number;
  for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) {
    const std::string blob = StorageLayout::BlobObject(worker, epoch, number++);
    if (one.state().inlined().size() <= inline_max_bytes) continue;
    WEIR_ASSIGN_OR_RETURN(*one.mutable_state(),
                          store.Write(one.state().inlined(), inline_max_bytes, blob));
  }
  return snapshot;
}

}  // namespace weir::taskmanager

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/io/file_system.h"
#include "proto/checkpoint.pb.h"
#include "state/checkpoint/state_object_store.h"
#include "state/keyed/keyed_state_increment.h"
#include "taskmanager/local_state/local_state_copies.h"
#include "taskmanager/worker/uploaded_files.h"

namespace weir {
class FrozenOperatorState;
class FrozenState;
}  // namespace weir

namespace weir::taskmanager {

/// Writes what a task's snapshot still lacks: keyed state and operator state as of the barrier, and
/// all above the inline limit as blobs, named once. A value until Write.
struct SnapshotUpload {
  uint64_t inline_max_bytes = 0;
  uint64_t operator_inline_max_bytes = 0;  // of an object of operator state
  WorkerId worker;
  Epoch epoch;
  std::shared_ptr<std::atomic<uint64_t>> last_blob;  // number, of all uploads of a generation
  std::shared_ptr<UploadedFiles> uploaded;           // of the generation
  LocalStateCopies copies{""};                       // of what is uploaded
  // By the operators' uids.
  std::map<std::string, std::shared_ptr<const FrozenState>> keyed{};
  std::map<std::string, std::shared_ptr<const FrozenOperatorState>> operator_states{};

  bool Needed(const proto::TaskSnapshot& snapshot) const;
  /// Blocks: runs on a BlockingPool. Lets go of what the barrier has frozen of keyed state before
  /// anything goes to storage: uploads hold files, not layers. Once.
  /// Errors: storage's, the local disk's, ABORTED when the attempt was given up meanwhile. Then the
  /// snapshot has what was written all the same, which nothing references.
  absl::Status Write(FileSystem& files, const std::string& job_directory,
                     proto::TaskSnapshot* snapshot);

 private:
  // By the operators' uids. `keyed` is empty then.
  absl::StatusOr<std::map<std::string, KeyedStateIncrement>> TakeIncrements();
  absl::Status WriteKeyed(FileSystem& files, StateObjectStore& store,
                          const KeyedStateIncrement& increment, proto::OperatorSnapshot& one) const;
  absl::Status WriteOperatorState(StateObjectStore& store, const FrozenOperatorState& state,
                                  proto::OperatorStateSnapshot* written) const;
  absl::Status WriteObject(StateObjectStore& store, const std::string& bytes, uint64_t inline_max,
                           proto::StateObject* written) const;
};

}  // namespace weir::taskmanager

#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/io/file_system.h"
#include "proto/checkpoint.pb.h"

namespace weir {

/// The objects of one job in checkpoint storage: state blobs and manifests. Each is written once
/// under a name of its own, never overwritten, and checked when read.
///
/// Threads: thread-safe; every call blocks: use it on a BlockingPool.
/// Lifetime: borrows `files`.
/// Errors: those of FileSystem; DATA_LOSS, naming the object, when what is read does not fit.
class StateObjectStore {
 public:
  StateObjectStore(FileSystem& files, std::string job_directory);

  /// Makes a StateObject of `bytes`: inlined up to `inline_max_bytes`, else written as `blob`.
  absl::StatusOr<proto::StateObject> Write(const std::string& bytes, uint64_t inline_max_bytes,
                                           const std::string& blob);
  absl::StatusOr<std::string> Read(const proto::StateObject& object);

  absl::Status WriteManifest(const std::string& object, const std::string& bytes);
  /// The manifest a checkpoint entry stands for, wherever it lies.
  absl::StatusOr<proto::CheckpointManifest> ReadManifest(const proto::CheckpointOwned& checkpoint);
  absl::Status Delete(const std::string& object);

  /// Blobs of workers other than these that none of the checkpoints references: what was written
  /// for attempts whose workers or leader died before it was told. An error when any manifest
  /// cannot be read: nothing is known then. What they had begun to write before `leftovers_before`
  /// is removed.
  absl::StatusOr<std::vector<std::string>> BlobsLeftBehind(
      const std::set<std::string>& workers, const std::vector<proto::CheckpointOwned>& owned,
      absl::Time leftovers_before);

  /// Every object a manifest references, for checkers.
  static std::vector<std::string> ReferencedBlobs(const proto::CheckpointManifest& manifest);
  /// Those that were written for it: what goes when it fails.
  static std::vector<std::string> OwnBlobs(const proto::CheckpointManifest& manifest);
  /// Those that none of `kept` references: what goes with it.
  static std::vector<std::string> UnsharedBlobs(const proto::CheckpointManifest& manifest,
                                                const std::vector<proto::CheckpointManifest>& kept);

 private:
  std::string PathOf(const std::string& object) const;
  absl::Status WriteObject(const std::string& object, const std::string& bytes);

  FileSystem& files_;
  const std::string directory_;
};

}  // namespace weir

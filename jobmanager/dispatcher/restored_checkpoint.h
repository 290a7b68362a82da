#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/io/file_system.h"
#include "proto/checkpoint.pb.h"
#include "proto/job_graph.pb.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::jobmanager {

/// A checkpoint of one job and the job that is to start from it (docs/protocols/recovery.md).
struct CheckpointTransfer {
  JobId from;
  proto::JobGraph from_graph;
  proto::CheckpointOwned checkpoint;
  JobId to;
  proto::JobGraph to_graph;
  bool allow_non_restored = false;
};

struct AdaptedManifest {
  proto::CheckpointManifest manifest;
  std::vector<std::string> left_out;  // operators whose state is not in it, as users name them
};

struct CopiedCheckpoint {
  proto::CheckpointOwned owned;
  std::vector<std::string> left_out;
};

/// What the new job takes over of `manifest`, by operator uid: split states and operator states,
/// nothing of sinks. Operators that are new start empty. Pure.
/// FAILED_PRECONDITION, one sentence: the new graph lacks an operator that has state (unless that
/// is allowed), an operator has become another one or has other windows (but for their lateness),
/// there is another number of key groups, or its parallelism differs and its state cannot be dealt
/// out anew.
absl::StatusOr<AdaptedManifest> AdaptManifest(const CheckpointTransfer& transfer,
                                              const proto::CheckpointManifest& manifest);

/// Copies manifest and blobs into the new job's directory, as its own, and returns the entry that
/// makes them its epoch 0. Blocks.
/// Errors: as AdaptManifest; those of storage; DATA_LOSS: the checkpoint is corrupt; NOT_FOUND: it
/// is not there any more.
absl::StatusOr<CopiedCheckpoint> CopyCheckpoint(const CheckpointTransfer& transfer,
                                                FileSystem& files, const StorageLayout& layout,
                                                uint64_t manifest_inline_max_bytes);

}  // namespace weir::jobmanager

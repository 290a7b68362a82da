#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/io/file_system.h"
#include "proto/checkpoint.pb.h"

namespace weir::taskmanager {

/// Moves states above the inline limit out of a task's snapshot into blobs, named once. A value.
struct SnapshotUpload {
  uint64_t inline_max_bytes = 0;
  WorkerId worker;
  Epoch epoch;
  uint64_t first_number = 0;  // of the blobs; one number for each operator is reserved

  bool Needed(const proto::TaskSnapshot& snapshot) const;
  /// Blocks: runs on a BlockingPool. Errors: storage's; nothing references what was written then.
  absl::StatusOr<proto::TaskSnapshot> Write(FileSystem& files, const std::string& job_directory,
                                            proto::TaskSnapshot snapshot) const;
};

}  // namespace weir::taskmanager

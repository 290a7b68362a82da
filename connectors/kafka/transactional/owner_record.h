#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace weir::kafka {

/// Who writes under a prefix: the metadata of an offset of group OwnerId(prefix), on partition 0 of
/// the sink's topic, written in a transaction of the id of the same name.
struct OwnerRecord {
  std::string cluster;
  std::string job;
  uint64_t fence = 0;       // of the generation that wrote it; the offset itself, too
  bool released = false;    // the job has ended in order
  uint64_t generation = 0;  // that wrote it; 0: not known (version 1)

  /// One line, with a version.
  std::string Encode() const;
  /// DATA_LOSS for what this version cannot have written.
  static absl::StatusOr<OwnerRecord> Decode(const std::string& metadata);
  bool operator==(const OwnerRecord&) const = default;
};

}  // namespace weir::kafka

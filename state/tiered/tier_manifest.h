#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/types/key_group.h"
#include "state/api/state_schema.h"
#include "state/tiered/tier_states.h"

/// The manifest of an increment of the tier: docs/formats/state-tier.md. Pure functions.
namespace weir {

/// Version 1, which is read, too, is the same; but its lists have one part each, and its logs are
/// of version 1.
inline constexpr uint32_t kTierManifestVersion = 2;

struct TierManifest {
  /// A file of the base.
  struct File {
    std::string name;        // of the increment
    std::string local_name;  // in RocksDB's folder
    uint64_t size_bytes = 0;
  };
  struct Log {
    std::string name;
    uint64_t size_bytes = 0;
  };

  uint32_t max_parallelism = 0;
  KeyGroupRange range;
  StateSchema key_schema;
  std::vector<int64_t> watermarks_micros;  // one for each group of the range
  std::vector<TierState> states;           // without what only registered ones have
  std::vector<File> files;                 // none: RocksDB has nothing
  std::vector<Log> logs;                   // oldest first
};

/// Whether this begins as one, damaged or not.
bool IsTierManifest(absl::string_view bytes);
std::string EncodeTierManifest(const TierManifest& manifest);
/// DATA_LOSS; FAILED_PRECONDITION for a newer version.
absl::StatusOr<TierManifest> DecodeTierManifest(absl::string_view bytes);

}  // namespace weir

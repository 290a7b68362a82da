#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "state/rocksdb/rocks_store.h"
#include "state/tiered/tier_files.h"

namespace weir {

/// A change to be restored. A deletion has no value.
struct TierChange {
  RocksFamily family = RocksFamily::kState;
  StoreChange kind = StoreChange::kPut;
  std::string key;
  std::string value;
};

/// Takes the changes of a restore, in order, and keeps as many as memory is good for: what is more
/// goes to RocksDB, chunk by chunk, below what is kept.
///
/// Threads: one. Lifetime: borrows the files. Errors: as RocksStore; INVALID_ARGUMENT for a value
/// that is larger than files can hold.
class TierLoader {
 public:
  TierLoader(TierFiles& files, size_t chunk_bytes) : files_(files), chunk_bytes_(chunk_bytes) {}

  absl::Status Add(TierChange change);
  /// Something is in RocksDB.
  bool spilled() const { return spilled_; }
  /// What is not: newer than what is; one change for each key, by the keys.
  absl::StatusOr<std::vector<TierChange>> TakeRest();

 private:
  absl::Status Spill();
  // Sorts, and makes one change of those of a key.
  absl::Status Combine();

  TierFiles& files_;
  const size_t chunk_bytes_;
  size_t bytes_ = 0;
  bool spilled_ = false;
  std::vector<TierChange> changes_;
};

}  // namespace weir

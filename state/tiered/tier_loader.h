#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "state/rocksdb/rocks_store.h"
#include "state/tiered/tier_files.h"

namespace weir {

/// A change to be restored. No value: a tombstone, when it is deleted.
struct TierChange {
  RocksFamily family = RocksFamily::kState;
  bool deleted = false;
  std::string key;
  std::string value;
};

/// Takes the changes of a restore, in order, and keeps as many as memory is good for: what is more
/// goes to RocksDB, chunk by chunk, below what is kept.
///
/// Threads: one. Lifetime: borrows the files. Errors: as RocksStore; INVALID_ARGUMENT for a change
/// that is larger than files can hold.
class TierLoader {
 public:
  TierLoader(TierFiles& files, size_t chunk_bytes) : files_(files), chunk_bytes_(chunk_bytes) {}

  absl::Status Add(TierChange change);
  /// Something is in RocksDB.
  bool spilled() const { return spilled_; }
  /// What is not: newer than what is; the last one of a key counts.
  std::vector<TierChange> TakeRest() { return std::move(changes_); }

 private:
  absl::Status Spill();

  TierFiles& files_;
  const size_t chunk_bytes_;
  size_t bytes_ = 0;
  bool spilled_ = false;
  std::vector<TierChange> changes_;
};

}  // namespace weir

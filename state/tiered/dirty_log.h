#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "state/rocksdb/rocks_store.h"

/// Dirty logs: what one layer changed, as a flat, checksummed file: docs/formats/state-tier.md.
/// Errors: DATA_LOSS for what cannot be one, FAILED_PRECONDITION for a newer version.
namespace weir {

/// Version 1, which is read, too, has no appends.
inline constexpr uint32_t kDirtyLogVersion = 2;

/// Key and value together. Blocks of logs, and RocksDB, have 32 bits for it.
inline constexpr size_t kLargestEntryBytes = UINT32_MAX - (size_t{1} << 20);

/// One change; a deletion has no value.
struct DirtyEntry {
  RocksFamily family = RocksFamily::kState;
  StoreChange kind = StoreChange::kPut;
  absl::string_view key;
  absl::string_view value;
};

/// Makes the bytes of a log, block by block, so that a log is never in memory as a whole. Life
/// cycle: Begin, Add..., End; after each, bytes() may be written away and cleared.
class DirtyLogEncoder {
 public:
  void Begin(uint64_t generation);
  /// One that is not larger than kLargestEntryBytes (checked).
  void Add(const DirtyEntry& entry);
  void End();
  /// Whole blocks, ready to be written.
  std::string& bytes() { return bytes_; }

  static constexpr size_t kBlockBytes = 256u << 10;

 private:
  void EndBlock();

  std::string bytes_;
  std::string block_;
  uint64_t entries_ = 0;
};

/// visit(entry) for every entry, in order; its errors end the reading. Returns the generation. The
/// entries of a block are visited only when its checksum is right, but damage behind it may follow.
absl::StatusOr<uint64_t> ReadDirtyLog(absl::string_view log,
                                      absl::FunctionRef<absl::Status(const DirtyEntry&)> visit);

}  // namespace weir

#pragma once

#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>

#include "absl/status/status.h"

#include "state/rocksdb/rocks_store.h"

/// RocksDB's options and errors in Weir's terms; for the files of this folder.
namespace weir::internal {

inline rocksdb::Slice SliceOf(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline absl::string_view ViewOf(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

/// OK, or one sentence with the directory.
absl::Status StatusOf(const rocksdb::Status& status, const std::string& directory);

rocksdb::DBOptions DbOptionsOf(const RocksOptions& options);
/// One cache for all column families: `cache` is theirs.
rocksdb::ColumnFamilyOptions FamilyOptionsOf(const RocksOptions& options, RocksFamily family,
                                             const std::shared_ptr<rocksdb::Cache>& cache,
                                             const rocksdb::CompactionFilter* filter);
/// Null when there is nothing to expire.
std::unique_ptr<rocksdb::CompactionFilter> MakeExpiryFilter(
    std::shared_ptr<const RocksExpiry> expiry);

}  // namespace weir::internal

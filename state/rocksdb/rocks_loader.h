#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "state/rocksdb/rocks_store.h"

namespace weir {

/// Puts sorted changes into a RocksStore: one file for each column family, ingested in one step.
///
/// The files are written without a global sequence number (write_global_seqno): ingestion never
/// rewrites what a pin may have linked.
/// Threads: one. Lifetime: borrows the store; unfinished files are removed with it.
/// Errors: as RocksStore; after one, and without Finish, nothing has changed.
class RocksLoader {
 public:
  /// `path_prefix`: of the files, on the file system of the store.
  RocksLoader(RocksStore& store, std::string path_prefix);
  ~RocksLoader();
  RocksLoader(const RocksLoader&) = delete;
  RocksLoader& operator=(const RocksLoader&) = delete;

  /// Keys of each family in ascending order, no key twice.
  absl::Status Put(RocksFamily family, absl::string_view key, absl::string_view value);
  absl::Status Delete(RocksFamily family, absl::string_view key);
  /// A deletion has no value.
  absl::Status Add(StoreChange kind, RocksFamily family, absl::string_view key,
                   absl::string_view value);
  absl::Status Finish();

 private:
  struct File;
  absl::Status Begin(RocksFamily family);
  absl::Status Append(RocksFamily family, absl::string_view key, absl::string_view value);

  RocksStore& store_;
  const std::string path_prefix_;
  std::array<std::unique_ptr<File>, kRocksFamilies> files_;
};

}  // namespace weir

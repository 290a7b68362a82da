#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace weir {

/// The column families of a RocksStore.
enum class RocksFamily : uint8_t {
  kState = 0,
  kTimers = 1,
};
inline constexpr size_t kRocksFamilies = 2;

/// What a change does with the value of a key.
enum class StoreChange : uint8_t {
  kPut,
  kDelete,
  kAppend,  // of kState: comes behind the value that is there, if any
};

/// Says which values compactions may drop. Threads: thread-safe.
class RocksExpiry {
 public:
  virtual ~RocksExpiry() = default;
  virtual bool Expired(absl::string_view key, absl::string_view value) const = 0;
};

struct RocksOptions {
  std::string directory;
  bool read_only = false;
  size_t block_cache_bytes = 8u << 20;        // blocks, indexes and filters: a strict bound
  size_t write_buffer_bytes = 4u << 20;       // all column families together
  std::shared_ptr<const RocksExpiry> expiry;  // of kState; may be null
  rocksdb::Env* env = nullptr;                // of tests; null: the default
};

/// A file of a pinned state: its name in the directory.
struct RocksFile {
  std::string name;
  uint64_t size_bytes = 0;
  bool table = false;  // an SST: never changes under its name as long as the store lives
};

/// Entries in the order of their keys, as of its making. One thread; must not outlive the store.
class RocksScan {
 public:
  virtual ~RocksScan() = default;
  /// False at the end, and after an error.
  virtual bool valid() const = 0;
  /// Until the next call.
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  virtual void Next() = 0;
  virtual absl::Status status() const = 0;
};

/// One RocksDB instance: a thin wrapper, and the only one that includes its headers. Changes come
/// by RocksLoader only, as sorted files, so its memtables stay empty and a pin flushes nothing.
/// What was appended to a value of kState is read behind it, in the order it was loaded.
///
/// Threads: thread-safe, but for RocksScan, and for views: they are of the thread that reads.
/// Errors: NOT_FOUND never; DATA_LOSS for what is damaged, RESOURCE_EXHAUSTED for a full disk,
/// UNAVAILABLE for the rest; each message names the directory.
class RocksStore {
 public:
  /// Opens, and makes what is not there, unless it is read-only.
  static absl::StatusOr<std::unique_ptr<RocksStore>> Open(const RocksOptions& options);
  virtual ~RocksStore() = default;

  /// False: there is none.
  virtual absl::StatusOr<bool> Get(RocksFamily family, absl::string_view key,
                                   std::string* value) const = 0;
  /// visit(place, value) for each key that is there. `keys`: ascending.
  virtual absl::Status MultiGet(
      RocksFamily family, absl::Span<const absl::string_view> keys,
      absl::FunctionRef<void(size_t place, absl::string_view value)> visit) const = 0;
  /// From `begin` to before `end`; an empty end: to the last.
  virtual std::unique_ptr<RocksScan> Scan(RocksFamily family, absl::string_view begin,
                                          absl::string_view end) const = 0;
  /// The same for what is not read again soon: no block that others read gives way to it.
  virtual std::unique_ptr<RocksScan> ScanPastCache(RocksFamily family, absl::string_view begin,
                                                   absl::string_view end) const = 0;
  /// From now on reads see what is there now, whatever is loaded: until it is let go. Once more:
  /// nothing changes.
  virtual void HoldView() = 0;
  virtual void LetViewGo() = 0;
  /// Hard links of its files in `directory`, which must not be there yet.
  virtual absl::StatusOr<std::vector<RocksFile>> Pin(const std::string& directory) = 0;
  /// After an error of the disk: tries to become writable again.
  virtual absl::Status Resume() = 0;
};

}  // namespace weir

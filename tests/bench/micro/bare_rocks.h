#pragma once

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"

namespace weir {

/// RocksDB with the options of the state tier and numbers as values, and nothing around it.
///
/// Life cycle: Load in ascending order, Loaded, then Get and Put. Threads: one. Errors: the process
/// ends.
class BareRocks {
 public:
  BareRocks();
  BareRocks(BareRocks&&) noexcept;
  ~BareRocks();

  void Load(absl::string_view key, int64_t value);
  void Loaded();
  /// The key must be there.
  int64_t Get(absl::string_view key);
  /// Without a log of its own, as the state of a stream is kept.
  void Put(absl::string_view key, int64_t value);

 private:
  struct Store;
  std::unique_ptr<Store> store_;
};

}  // namespace weir

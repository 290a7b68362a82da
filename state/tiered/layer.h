#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "common/exec/mutex.h"
#include "state/rocksdb/rocks_store.h"
#include "state/tiered/local_file.h"
#include "state/tiered/tier_states.h"
#include "state/tiered/version.h"

namespace weir {

/// The dirty log of a layer.
struct LayerLog {
  std::shared_ptr<const LocalPath> file;
  std::string name;  // in increments
  uint64_t size_bytes = 0;
};

/// The versions that one generation changed, in the order of the first changes. A key may be there
/// more than once: the last one counts, and appends behind it. Page: docs/protocols/state-tier.md.
///
/// Life cycle: Add until it is sealed, by whoever owns it; then only read.
/// Threads: sealed layers by any number; WriteLog takes turns.
class Layer {
 public:
  Layer(uint64_t generation, std::shared_ptr<MemoryAccount> account)
      : generation_(generation), account_(std::move(account)) {}
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// Holds the version.
  void Add(RocksFamily family, Version& version);
  void Grow(int64_t bytes) { bytes_ = static_cast<size_t>(static_cast<int64_t>(bytes_) + bytes); }
  /// From now on nothing changes; `states` encode what is in it.
  void Seal(std::shared_ptr<const TierStates> states) { states_ = std::move(states); }

  uint64_t generation() const { return generation_; }
  size_t bytes() const { return bytes_; }
  void AddAppend(Version& version) {
    has_appends_ = true;
    Add(RocksFamily::kState, version);
  }
  bool has_appends() const { return has_appends_; }
  bool empty() const { return versions_[0].empty() && versions_[1].empty(); }
  const std::vector<Version*>& versions(RocksFamily family) const {
    return versions_[static_cast<size_t>(family)];
  }
  const TierStates& states() const { return *states_; }
  /// Appends the value of a version that is present.
  void EncodeValue(const Version& version, std::string* out) const;
  /// The same for files. INVALID_ARGUMENT, with the state's name: it is too large for them.
  absl::Status EncodeToStore(const Version& version, std::string* out) const;

  /// Writes the log, unless it has been: once, whoever asks first. RESOURCE_EXHAUSTED, UNAVAILABLE;
  /// INVALID_ARGUMENT as EncodeToStore.
  absl::StatusOr<LayerLog> WriteLog(const std::string& path, const std::string& name) const;

 private:
  absl::StatusOr<uint64_t> WriteFile(const std::string& path) const;

  const uint64_t generation_;
  const std::shared_ptr<MemoryAccount> account_;
  std::array<std::vector<Version*>, kRocksFamilies> versions_;
  size_t bytes_ = 0;
  bool has_appends_ = false;
  std::shared_ptr<const TierStates> states_;

  mutable Mutex log_mutex_;
  mutable LayerLog log_ WEIR_GUARDED_BY(log_mutex_);
};

using LayerPtr = std::shared_ptr<const Layer>;

}  // namespace weir

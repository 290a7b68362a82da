#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "common/exec/mutex.h"
#include "state/rocksdb/rocks_store.h"
#include "state/tiered/tier_states.h"

namespace weir {

/// Tells RocksDB's compactions what has expired: values of states with a TTL by their times. Lists
/// stay, since their elements expire one by one, as all that may be in parts.
/// Threads: Set on the task's thread, Expired on RocksDB's.
class TierExpiry final : public RocksExpiry {
 public:
  void SetStates(std::shared_ptr<const TierStates> states) {
    MutexLock lock(mutex_);
    states_ = std::move(states);
  }
  void SetNow(int64_t now_micros) { now_micros_.store(now_micros, std::memory_order_relaxed); }
  bool Expired(absl::string_view key, absl::string_view value) const override;

 private:
  std::atomic<int64_t> now_micros_{INT64_MIN};
  mutable Mutex mutex_;
  std::shared_ptr<const TierStates> states_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"

/// What the benchmarks of keyed state behind RocksDB share.
namespace weir {

inline constexpr int64_t kKeysPerBatch = 1000;

/// Random keys of `keys`; `hot` of 100 are of the first `hot_keys`.
struct KeyMix {
  int64_t keys = 0;
  int64_t hot_keys = 0;
  uint64_t hot = 0;
};

inline std::vector<int64_t> RandomKeys(const KeyMix& mix, SeededRandom& random) {
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < kKeysPerBatch; ++i) {
    const int64_t of = random.Below(100) < mix.hot ? mix.hot_keys : mix.keys;
    keys.push_back(static_cast<int64_t>(random.Below(static_cast<uint64_t>(of))));
  }
  return keys;
}

/// A backend of all groups with int64 keys and one int64 value for each.
class TierFixture {
 public:
  struct Options {
    int64_t keys = 0;
    size_t memory_bytes = 0;
    size_t materialise_bytes = 0;
    absl::Duration materialise_interval = absl::Seconds(10);
  };

  explicit TierFixture(const Options& options) {
    TieredStateOptions tiered;
    tiered.directory = directory_.File("state");
    tiered.instance = "bench";
    tiered.memory_bytes = options.memory_bytes;
    tiered.materialise_bytes = options.materialise_bytes;
    tiered.materialise_interval = options.materialise_interval;
    auto backend = TieredKeyedStateBackend::Open(
        {"bench", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, tiered,
        clock_, pool_);
    WEIR_CHECK(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    value_ = backend_->GetState(ValueStateDescriptor<int64_t>("value"));
    for (int64_t key = 0; key < options.keys; ++key) {
      if (key % kKeysPerBatch == 0) backend_->BeginBatch();
      Add(key, 1);
    }
  }

  void Add(int64_t key, int64_t value) {
    key_.clear();
    EncodeKey(key, &key_);
    backend_->SetCurrentKey(KeyRefOf(key_, kMaxParallelism));
    value_.Update(value_.Value().value_or(0) + value);
  }
  /// As an operator does.
  void RunBatch(const std::vector<std::string>& batch, bool prefetch) {
    backend_->BeginBatch();
    refs_.clear();
    for (const std::string& key : batch) refs_.push_back(KeyRefOf(key, kMaxParallelism));
    if (prefetch) backend_->Prefetch(refs_);
    for (const KeyRef& key : refs_) {
      backend_->SetCurrentKey(key);
      value_.Update(value_.Value().value_or(0) + 1);
    }
  }
  TieredKeyedStateBackend& backend() { return *backend_; }
  const TemporaryDirectory& directory() const { return directory_; }
  absl::Duration Now() const { return clock_.Monotonic(); }

 private:
  static constexpr uint32_t kMaxParallelism = 1024;

  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{"state", 2}};
  std::unique_ptr<TieredKeyedStateBackend> backend_;
  ValueState<int64_t> value_;
  std::string key_;
  std::vector<KeyRef> refs_;
};

}  // namespace weir

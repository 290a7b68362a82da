#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/base/seeded_random.h"
#include "state/api/state_descriptors.h"
#include "state/tiered/layer.h"
#include "state/tiered/memory_account.h"
#include "state/tiered/tier_states.h"
#include "state/tiered/version.h"

namespace weir {

/// A value state of so many int64 keys, all in memory, that changes at random, and the layers of
/// its changes: what StateTier has in front of RocksDB, without its policy of when to write it.
/// Copies on write as StateTier::Own does. The same options give the same changes.
///
/// Threads: one; sealed layers as Layer says.
class ChangingState {
 public:
  struct Options {
    int64_t keys = 0;
    /// Key k is changed in proportion to 1 / (k + 1)^0.99; false: all alike.
    bool zipf = false;
  };
  static constexpr uint32_t kMaxParallelism = 1024;
  static constexpr size_t kValueBytes = 100;
  /// Of this many changes one is a deletion.
  static constexpr uint64_t kDeletionEvery = 32;

  static const ValueStateDescriptor<std::string>& Descriptor();

  explicit ChangingState(const Options& options);
  ~ChangingState();
  ChangingState(const ChangingState&) = delete;
  ChangingState& operator=(const ChangingState&) = delete;

  void PutAll();
  void Change(int64_t changes);
  /// The layer since the last Seal; a new one begins. Null: nothing has changed.
  LayerPtr Seal();
  /// Of the layer since the last Seal.
  size_t active_bytes() const { return active_->bytes(); }
  const std::shared_ptr<const TierStates>& states() const { return states_; }

  /// Begins to count the changed keys of the next increment. Returns the bytes of the last ones:
  /// each key once, as key and value.
  uint64_t EndOfIncrement();

  /// Of one key and its value. The sum over all keys says whether two states are equal.
  static uint64_t Digest(int64_t key, absl::string_view value);
  uint64_t Digest() const;
  uint64_t present() const;
  /// Keys in the order in which RocksDB has them.
  std::vector<int64_t> SortedKeys() const;

 private:
  int64_t RandomKey();
  void Put(int64_t key, absl::string_view value);
  void Delete(int64_t key);
  // Belongs to the active layer from now on.
  Version& Own(int64_t key);

  const Options options_;
  SeededRandom random_{1};
  std::vector<double> shares_;  // sums of those of the keys up to here; of zipf
  const std::shared_ptr<MemoryAccount> account_ = std::make_shared<MemoryAccount>();
  std::shared_ptr<const TierStates> states_;
  std::vector<Version*> versions_;  // by key
  uint64_t generation_ = 1;
  std::shared_ptr<Layer> active_;
  uint64_t values_ = 0;
  std::string value_;

  uint32_t increment_ = 1;
  std::vector<uint32_t> changed_in_;  // the last increment, by key
  uint64_t changed_bytes_ = 0;
};

}  // namespace weir

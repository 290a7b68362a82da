#pragma once

#include <cstddef>
#include <vector>

#include "absl/functional/function_ref.h"

#include "common/types/key_group.h"
#include "state/tiered/key_index.h"
#include "state/tiered/state_tier.h"

namespace weir {

/// The newest versions of a state with one cell for each key, as far as they are in memory.
/// Threads: the task's. Lifetime: holds its versions.
class CellIndex final : public TierIndex {
 public:
  using Groups = std::vector<KeyIndex<Version>>;

  explicit CellIndex(KeyGroupRange range) : range_(range), groups_(range.size()) {}
  ~CellIndex() override;

  /// By place in the range.
  Groups& groups() { return groups_; }
  KeyIndex<Version>& group(size_t index) { return groups_[index]; }
  /// By the whole key; null when it is not in memory.
  Version** Find(absl::string_view tier_key);
  void ForEach(absl::FunctionRef<void(Version*& slot)> visit);

  void EvictClean(StateTier& tier) override;
  void Insert(Version* version) override;

 private:
  // The next slot under the clock's hand.
  void EvictSlot(StateTier& tier);

  const KeyGroupRange range_;
  Groups groups_;
  size_t hand_group_ = 0;
  size_t hand_slot_ = 0;
};

}  // namespace weir

#include "state/tiered/cell_index.h"

#include <utility>

#include "common/base/stable_hash.h"

namespace weir {

CellIndex::~CellIndex() {
  ForEach([](Version*& slot) { slot->Release(); });
}

Version** CellIndex::Find(absl::string_view tier_key) {
  const absl::string_view key = tier_key.substr(kTierPrefixSize);
  return groups_[GroupOfTierKey(tier_key) - range_.first].Find(StableHash64(key), key);
}

void CellIndex::ForEach(absl::FunctionRef<void(Version*& slot)> visit) {
  for (KeyIndex<Version>& group : groups_) {
    for (size_t slot = 0; slot < group.num_slots(); ++slot) {
      if (group.at(slot) != nullptr) visit(group.at(slot));
    }
  }
}

void CellIndex::Insert(Version* version) {
  if (Version** slot = Find(version->key()); slot != nullptr) {
    (*slot)->Release();
    *slot = version;
    return;
  }
  groups_[GroupOfTierKey(version->key()) - range_.first].Insert(StableHash64(version->user_key()),
                                                                version);
}

void CellIndex::EvictSlot(StateTier& tier) {
  KeyIndex<Version>& group = groups_[hand_group_];
  Version* version = group.at(hand_slot_);
  if (version == nullptr) {
    ++hand_slot_;
  } else if (!tier.clean(*version)) {
    // An append may do without what is below it.
    if (version->below() != nullptr && !std::exchange(version->referenced, false)) {
      tier.DropCleanBelow(*version);
    }
    ++hand_slot_;
  } else if (version->referenced) {
    version->referenced = false;
    ++hand_slot_;
  } else {
    version->DropBelow();
    version->Release();
    group.EraseSlot(hand_slot_);
    ++tier.counters().evicted;
  }
}

void CellIndex::EvictClean(StateTier& tier) {
  if (groups_.empty()) return;
  // The second time round nothing is referenced any more.
  for (size_t visited = 0; visited <= 2 * groups_.size(); ++visited) {
    for (; hand_slot_ < groups_[hand_group_].num_slots();) {
      if (tier.has_room()) return;
      EvictSlot(tier);
    }
    hand_slot_ = 0;
    hand_group_ = (hand_group_ + 1) % groups_.size();
  }
}

}  // namespace weir

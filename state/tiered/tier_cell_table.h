#pragma once

#include "state/tiered/cell_index.h"
#include "state/tiered/tier_table.h"

namespace weir {

/// What the handles of all kinds but maps see of the tier. As CellTable and TierTable.
class TierCellTable final : public CellTable, public TierTable {
 public:
  TierCellTable(const StateDefinition& definition, const int64_t& now_micros, uint32_t id,
                StateTier& tier, CellIndex& index, KeyGroupRange range,
                const HeapCurrentKey& current)
      : CellTable(definition, now_micros),
        TierTable(definition, id, tier, range, current),
        index_(index) {}

  const void* Find() override {
    Version** slot = FindPresent();
    return slot == nullptr ? nullptr : (*slot)->cell();
  }
  void* FindToChange() override {
    Version** slot = FindPresent();
    return slot == nullptr ? nullptr : HandOut(*slot);
  }
  void* FindOrCreate() override { return CellIn(Lookup()); }
  /// Never reads: of a list that is not in memory, or not as new as the active layer and large, an
  /// append is begun.
  void* FindToAppend() override;
  void Clear() override;

  void PrefetchKeys(absl::Span<const KeyRef> keys) override;
  void ForEachEntry(absl::FunctionRef<void(absl::string_view tier_key)> visit) override;
  size_t Expire(int64_t oldest_micros, size_t entries) override;

 private:
  KeyIndex<Version>& group() { return index_.group(current_.group_index()); }
  // Of the current key. Kept for the next call, which is often of the same.
  Version** InMemory() {
    KeyIndex<Version>& versions = group();
    if (found_turn_ == current_.turn() && found_changes_ == versions.changes()) return found_;
    found_turn_ = current_.turn();
    found_changes_ = versions.changes();
    return found_ = versions.Find(current_.hash(), current_.key());
  }
  // Of the current key, from memory or RocksDB; null when it has nothing, or cannot be read.
  Version** Lookup();
  // The same when there is a cell.
  Version** FindPresent();
  // To be changed; a new one where nothing is, also where the slot is null.
  void* CellIn(Version** slot);
  // Of Expire, where the slot has an append.
  void ExpireAppend(KeyIndex<Version>& cells, int64_t oldest_micros);
  absl::string_view CurrentTierKey();
  void InsertTombstone(absl::string_view tier_key);

  CellIndex& index_;
  std::string tier_key_;
  // What InMemory has found for the current key of that turn, as long as its group is as it was.
  uint64_t found_turn_ = 0;
  uint64_t found_changes_ = 0;
  Version** found_ = nullptr;
  // Where Expire goes on in memory; then in RocksDB.
  size_t next_group_ = 0;
  size_t next_slot_ = 0;
};

}  // namespace weir

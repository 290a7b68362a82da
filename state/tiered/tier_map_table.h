#pragma once

#include "state/tiered/map_index.h"
#include "state/tiered/tier_table.h"

namespace weir {

/// What the handles of maps see of the tier. As MapTable and TierTable. Maps of up to
/// kCompletedEntries are kept as a whole once they were gone through; larger ones are read along
/// RocksDB each time, without coming into memory.
class TierMapTable final : public MapTable, public TierTable {
 public:
  TierMapTable(const StateDefinition& definition, const int64_t& now_micros, uint32_t id,
               StateTier& tier, MapIndex& index, KeyGroupRange range, const HeapCurrentKey& current)
      : MapTable(definition, now_micros),
        TierTable(definition, id, tier, range, current),
        index_(index) {}

  const void* Find(absl::string_view map_key) override {
    Version** slot = FindPresent(map_key);
    return slot == nullptr ? nullptr : (*slot)->cell();
  }
  void* FindToChange(absl::string_view map_key) override {
    Version** slot = FindPresent(map_key);
    return slot == nullptr ? nullptr : HandOut(*slot);
  }
  void* FindOrCreate(absl::string_view map_key) override;
  /// As TierCellTable's.
  void* FindToAppend(absl::string_view map_key, bool* known) override;
  void Remove(absl::string_view map_key) override;
  void ForEach(Visitor visit) override { ForEachFrom({}, visit); }
  void ForEachFrom(absl::string_view from, Visitor visit) override;
  void Clear() override;

  void Prefetch(absl::Span<const MapEntryRef> entries) override;
  void PrefetchToAppend(absl::Span<const MapEntryRef> entries) override;

  /// Which entries will be read cannot be known.
  void PrefetchKeys(absl::Span<const KeyRef>) override {}
  void ForEachEntry(absl::FunctionRef<void(absl::string_view tier_key)> visit) override;
  size_t Expire(int64_t oldest_micros, size_t entries) override;

  static constexpr size_t kCompletedEntries = 256;
  /// What changes a whole map lets memory be freed after so many entries.
  static constexpr size_t kClearedEntries = 256;

 private:
  MapNode* InMemory() {
    return index_.Find(current_.group_index(), current_.hash(), current_.key());
  }
  MapNode& Node() {
    return index_.FindOrCreate(current_.group_index(), current_.hash(), current_.key());
  }
  // RocksDB may have entries of this node that are not in memory.
  bool Incomplete(const MapNode* node) const {
    return tier_.store() != nullptr && (node == nullptr || !node->complete);
  }
  // From memory or RocksDB; null when there is none, or it cannot be read.
  Version** Lookup(absl::string_view map_key);
  Version** FindPresent(absl::string_view map_key);
  // To be changed; a new one where nothing is.
  void* CellIn(Version*& slot);
  // In the current map: of an entry that is not in memory.
  Version*& NewEntry(absl::string_view map_key);
  void RemoveEntry(MapNode& node, absl::string_view map_key);
  // The parts of Clear.
  void ClearInMemory();
  void ClearInStore();
  // From this key of the map on, and that of the next page then; false: there is none.
  bool ClearPageInStore(std::string* from);
  // Takes the entries of RocksDB in, unless they are many or large.
  void TryComplete(MapNode& node);
  // From this key of its map on.
  std::unique_ptr<RocksScan> ScanNode(const MapNode& node, absl::string_view from = {}) const;
  // Releases a hold on the version when the visitor has seen it; false: it has seen enough.
  static bool Show(absl::string_view map_key, Version* version, Visitor visit);
  // Both return what is left of `entries`.
  size_t ExpireInMemory(int64_t oldest_micros, size_t entries);
  size_t ExpireInStore(int64_t oldest_micros, size_t entries);

  MapIndex& index_;
  // Where Expire goes on in memory; then in RocksDB.
  size_t next_group_ = 0;
  size_t next_slot_ = 0;
  std::string next_map_key_;
};

}  // namespace weir

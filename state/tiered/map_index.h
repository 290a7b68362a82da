#pragma once

#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"

#include "common/types/key_bytes.h"
#include "common/types/key_group.h"
#include "state/tiered/key_index.h"
#include "state/tiered/state_tier.h"

namespace weir {

/// One key's map, as far as it is in memory: newest versions by the keys of the map.
struct MapNode {
  using Entries = absl::btree_map<std::string, Version*>;

  std::string key;
  std::string prefix;  // of the keys of its entries
  Entries entries;
  bool complete = false;  // RocksDB has no entry that is not here
  bool referenced = true;

  absl::string_view user_key() const { return key; }
  /// Entries by time are mostly looked up at the end.
  Entries::iterator Find(absl::string_view map_key) {
    if (entries.empty()) return entries.end();
    const auto last = std::prev(entries.end());
    return SameKeyBytes(last->first, map_key) ? last : entries.find(map_key);
  }
};

/// The newest versions of a state of maps, as far as they are in memory.
/// Threads: the task's. Lifetime: owns its nodes, holds their versions, borrows the account.
class MapIndex final : public TierIndex {
 public:
  MapIndex(KeyGroupRange range, uint32_t id, StateTier& tier);
  ~MapIndex() override;

  size_t num_groups() const { return groups_.size(); }
  KeyIndex<MapNode>& group(size_t index) { return groups_[index]; }
  MapNode* Find(size_t group, uint64_t hash, absl::string_view key) {
    MapNode** slot = groups_[group].Find(hash, key);
    return slot == nullptr ? nullptr : *slot;
  }
  MapNode& FindOrCreate(size_t group, uint64_t hash, absl::string_view key);
  /// A new entry, which is charged; takes the hold over.
  Version*& Add(MapNode& node, std::string map_key, Version* version);
  /// By the whole key; null when it is not in memory, or is no key of an entry.
  Version** Find(absl::string_view tier_key);
  void ForEach(absl::FunctionRef<void(MapNode& node)> visit);
  /// As long as nothing has been stored.
  void Renumber(uint32_t id) { id_ = id; }

  void EvictClean(StateTier& tier) override;
  /// Of a key that Find could find.
  void Insert(Version* version) override;

 private:
  // Its clean versions; true when nothing is left.
  static bool EvictNode(StateTier& tier, MapNode& node);
  void Delete(MapNode* node);

  const KeyGroupRange range_;
  uint32_t id_;
  StateTier& tier_;
  std::vector<KeyIndex<MapNode>> groups_;
  size_t hand_group_ = 0;
  size_t hand_slot_ = 0;
};

}  // namespace weir

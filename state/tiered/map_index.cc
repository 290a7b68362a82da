#include "state/tiered/map_index.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "common/types/key_codec.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

// The allocator's shares, and a slot of the index.
constexpr size_t kOverheadBytes = 56;

size_t BytesOf(const MapNode& node) {
  return sizeof(MapNode) + node.key.capacity() + node.prefix.capacity() + kOverheadBytes;
}

}  // namespace

MapIndex::MapIndex(KeyGroupRange range, uint32_t id, StateTier& tier)
    : range_(range), id_(id), tier_(tier), groups_(range.size()) {}

MapIndex::~MapIndex() {
  ForEach([this](MapNode& node) { Delete(&node); });
}

void MapIndex::Delete(MapNode* node) {
  for (const auto& [key, version] : node->entries) {
    tier_.account().Subtract(SortedEntryBytes(key));
    version->Release();
  }
  tier_.account().Subtract(BytesOf(*node));
  delete node;
}

MapNode& MapIndex::FindOrCreate(size_t group, uint64_t hash, absl::string_view key) {
  if (MapNode* found = Find(group, hash, key); found != nullptr) return *found;
  auto* node = new MapNode;
  node->key = std::string(key);
  AppendTierPrefix(range_.first + static_cast<uint32_t>(group), id_, &node->prefix);
  internal::AppendEscaped(key, &node->prefix);
  tier_.account().Add(BytesOf(*node));
  groups_[group].Insert(hash, node);
  return *node;
}

Version*& MapIndex::Add(MapNode& node, std::string map_key, Version* version) {
  const auto [entry, fresh] = node.entries.emplace(std::move(map_key), version);
  WEIR_DCHECK(fresh);
  tier_.account().Add(SortedEntryBytes(entry->first));
  return entry->second;
}

Version** MapIndex::Find(absl::string_view tier_key) {
  std::string key;
  absl::string_view map_key;
  if (!SplitMapKey(tier_key, &key, &map_key)) return nullptr;
  MapNode* node = Find(GroupOfTierKey(tier_key) - range_.first, StableHash64(key), key);
  if (node == nullptr) return nullptr;
  const auto found = node->entries.find(map_key);
  return found == node->entries.end() ? nullptr : &found->second;
}

void MapIndex::ForEach(absl::FunctionRef<void(MapNode& node)> visit) {
  for (KeyIndex<MapNode>& group : groups_) {
    for (size_t slot = 0; slot < group.num_slots(); ++slot) {
      if (group.at(slot) != nullptr) visit(*group.at(slot));
    }
  }
}

void MapIndex::Insert(Version* version) {
  std::string key;
  absl::string_view map_key;
  WEIR_CHECK(SplitMapKey(version->key(), &key, &map_key));
  MapNode& node =
      FindOrCreate(GroupOfTierKey(version->key()) - range_.first, StableHash64(key), key);
  const auto found = node.entries.find(map_key);
  if (found == node.entries.end()) {
    Add(node, std::string(map_key), version);
    return;
  }
  found->second->Release();
  found->second = version;
}

bool MapIndex::EvictNode(StateTier& tier, MapNode& node) {
  for (auto at = node.entries.begin(); at != node.entries.end();) {
    Version* version = at->second;
    if (!tier.clean(*version)) {
      // An append may do without what is below it.
      if (version->below() != nullptr && !std::exchange(version->referenced, false)) {
        tier.DropCleanBelow(*version);
      }
      ++at;
      continue;
    }
    if (std::exchange(version->referenced, false)) {
      ++at;
      continue;
    }
    if (version->present()) node.complete = false;
    version->DropBelow();
    version->Release();
    tier.account().Subtract(SortedEntryBytes(at->first));
    at = node.entries.erase(at);
    ++tier.counters().evicted;
  }
  return node.entries.empty();
}

void MapIndex::EvictClean(StateTier& tier) {
  if (groups_.empty()) return;
  // The second time round nothing is referenced any more.
  for (size_t visited = 0; visited <= 2 * groups_.size(); ++visited) {
    KeyIndex<MapNode>& group = groups_[hand_group_];
    while (hand_slot_ < group.num_slots()) {
      if (tier.has_room()) return;
      MapNode* node = group.at(hand_slot_);
      if (node == nullptr || std::exchange(node->referenced, false) || !EvictNode(tier, *node)) {
        ++hand_slot_;
        continue;
      }
      group.EraseSlot(hand_slot_);
      Delete(node);
    }
    hand_slot_ = 0;
    hand_group_ = (hand_group_ + 1) % groups_.size();
  }
}

}  // namespace weir

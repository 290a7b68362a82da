#include "state/tiered/tier_map_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/prefetch.h"

namespace weir {
namespace {

/// The memory of the versions that come next is asked for while those before them are looked at.
class VersionsAhead {
 public:
  VersionsAhead(const MapNode::Entries& entries, MapNode::Entries::const_iterator first)
      : entries_(entries) {
    Restart(first);
  }
  void Restart(MapNode::Entries::const_iterator next) {
    ahead_ = next;
    for (int i = 0; i < kAhead; ++i) Next();
  }
  /// For each that is looked at.
  void Next() {
    if (ahead_ == entries_.end()) return;
    const auto* version = reinterpret_cast<const char*>(ahead_->second);
    PrefetchLine(version);
    PrefetchLine(version + kMemoryLineBytes);
    ++ahead_;
  }

 private:
  static constexpr int kAhead = 4;

  const MapNode::Entries& entries_;
  MapNode::Entries::const_iterator ahead_;
};

// Before all keys that begin with the prefix of a node, and behind them: an escaped key ends in 1.
std::string EndOfPrefix(const std::string& prefix) {
  std::string end = prefix;
  ++end.back();
  return end;
}

}  // namespace

Version** TierMapTable::Lookup(absl::string_view map_key) {
  tier_.BeforeAccess();
  CheckKey();
  CountLookup();
  MapNode* node = InMemory();
  if (node != nullptr) {
    node->referenced = true;
    const auto found = node->Find(map_key);
    if (found != node->entries.end()) {
      ++tier_.counters().hits;
      found->second->referenced = true;
      return &found->second;
    }
  }
  if (!Incomplete(node)) return nullptr;
  MapNode& into = Node();
  Version* loaded = Load(absl::StrCat(into.prefix, map_key));
  if (loaded == nullptr) return nullptr;
  return &index_.Add(into, std::string(map_key), loaded);
}

Version** TierMapTable::FindPresent(absl::string_view map_key) {
  Version** slot = Lookup(map_key);
  if (slot == nullptr || !(*slot)->present()) return nullptr;
  return DecodeSlot(*slot) ? slot : nullptr;
}

void* TierMapTable::FindOrCreate(absl::string_view map_key) {
  Version** slot = Lookup(map_key);
  return CellIn(slot == nullptr ? NewEntry(map_key) : *slot);
}

Version*& TierMapTable::NewEntry(absl::string_view map_key) {
  MapNode& node = Node();
  Version* version = tier_.NewVersion(absl::StrCat(node.prefix, map_key), type_);
  return index_.Add(node, std::string(map_key), version);
}

void* TierMapTable::CellIn(Version*& slot) {
  // What cannot be decoded gives way to a new cell.
  if (!DecodeSlot(slot)) ReplaceByNone(slot);
  MakeTyped(slot);
  if (slot->present()) return HandOut(slot);
  tier_.Own(RocksFamily::kState, slot).Construct();
  return HandOut(slot);
}

void* TierMapTable::FindToAppend(absl::string_view map_key, bool* known) {
  *known = false;
  if (!state().takes_appends()) return FindOrCreate(map_key);
  tier_.BeforeAccess();
  CheckKey();
  CountLookup();
  MapNode* node = InMemory();
  Version** slot = nullptr;
  if (node != nullptr) {
    node->referenced = true;
    const auto found = node->Find(map_key);
    if (found != node->entries.end()) slot = &found->second;
  }
  if (slot == nullptr && !Incomplete(node)) return CellIn(NewEntry(map_key));
  if (slot != nullptr && ChangesAsAWhole(**slot)) return CellIn(*slot);
  *known = slot != nullptr;
  if (slot == nullptr) {
    slot = &NewEntry(map_key);
    (*slot)->Construct();
    tier_.AddAppend(**slot, /*below=*/nullptr);
  } else if (!tier_.active(**slot)) {
    Version* append = tier_.NewVersion((*slot)->key(), type_);
    append->Construct();
    tier_.AddAppend(*append, *slot);
    *slot = append;
  }
  (*slot)->referenced = true;
  tier_.HandedOut(**slot);
  return (*slot)->cell();
}

void TierMapTable::RemoveEntry(MapNode& node, absl::string_view map_key) {
  const auto found = node.entries.find(map_key);
  if (found != node.entries.end()) {
    if (!found->second->present()) return;
    MakeTyped(found->second);
    return MakeAbsent(found->second);
  }
  if (!Incomplete(&node)) return;
  Version* version = tier_.NewVersion(absl::StrCat(node.prefix, map_key), type_);
  (void)tier_.Own(RocksFamily::kState, version);
  index_.Add(node, std::string(map_key), version);
}

void TierMapTable::Remove(absl::string_view map_key) {
  tier_.BeforeAccess();
  CheckKey();
  MapNode* node = InMemory();
  if (node == nullptr && !Incomplete(nullptr)) return;
  RemoveEntry(Node(), map_key);
}

std::unique_ptr<RocksScan> TierMapTable::ScanNode(const MapNode& node,
                                                  absl::string_view from) const {
  return tier_.store()->Scan(RocksFamily::kState, absl::StrCat(node.prefix, from),
                             EndOfPrefix(node.prefix));
}

void TierMapTable::TryComplete(MapNode& node) {
  const auto scan = ScanNode(node);
  size_t bytes = 0;
  for (size_t entries = 0;
       scan->valid() && entries <= kCompletedEntries && bytes <= tier_.fetch_bytes();
       scan->Next(), ++entries) {
    std::string map_key(scan->key().substr(node.prefix.size()));
    if (node.entries.contains(map_key)) continue;
    Version* version = NewDecoded(scan->key(), scan->value());
    if (version == nullptr) continue;
    bytes += version->charged_bytes();
    index_.Add(node, std::move(map_key), version);
  }
  if (!scan->status().ok()) tier_.Fail(scan->status());
  node.complete = !scan->valid() && scan->status().ok();
}

bool TierMapTable::Show(absl::string_view map_key, Version* version, Visitor visit) {
  // Whoever reads the entry meanwhile may put another version in its place.
  const bool go_on = visit(map_key, version->cell());
  version->Release();
  return go_on;
}

void TierMapTable::ForEachFrom(absl::string_view from, Visitor visit) {
  tier_.BeforeAccess();
  CheckKey();
  MapNode* node = InMemory();
  if (node == nullptr && !Incomplete(nullptr)) return;
  node = &Node();
  node->referenced = true;
  if (Incomplete(node)) TryComplete(*node);
  const StateTier::EvictionPause pause(tier_);
  MapNode::Entries& entries = node->entries;
  auto at = entries.lower_bound(from);
  VersionsAhead ahead(entries, at);
  std::string map_key;
  // True: go on. What the visitor reads of the map comes into memory, and moves its entries.
  const auto visit_version = [&](Version* version) {
    const size_t before = entries.size();
    if (!Show(map_key, version, visit)) return false;
    if (entries.size() != before) ahead.Restart(at = entries.lower_bound(map_key));
    return true;
  };
  const auto visit_memory = [&] {
    ahead.Next();
    map_key = at->first;
    if (at->second->present() && DecodeSlot(at->second)) {
      at->second->Hold();
      if (!visit_version(at->second)) return false;
    }
    ++at;
    return true;
  };
  if (Incomplete(node)) {
    const auto scan = ScanNode(*node, from);
    for (; scan->valid(); scan->Next()) {
      const absl::string_view stored_key = scan->key().substr(node->prefix.size());
      while (at != entries.end() && at->first < stored_key) {
        if (!visit_memory()) return;
      }
      // What is in memory is newer.
      if (at != entries.end() && at->first == stored_key) continue;
      map_key.assign(stored_key.data(), stored_key.size());
      Version* version = NewDecoded(scan->key(), scan->value());
      if (version == nullptr) continue;
      if (!visit_version(version)) return;
      if (at != entries.end() && at->first == map_key) ++at;
    }
    if (!scan->status().ok()) tier_.Fail(scan->status());
  }
  while (at != entries.end()) {
    if (!visit_memory()) return;
  }
}

void TierMapTable::Prefetch(absl::Span<const MapEntryRef> entries) {
  tier_.BeforeAccess();
  if (!WorthPrefetching(entries.size())) return;
  PrefetchLines(entries,
                [this](const KeyRef& key) { return &index_.group(key.group - range_.first); });
  if (!BeginFetching()) return;
  std::vector<std::string> missing;
  for (const MapEntryRef& entry : entries) {
    const KeyRef& key = entry.key;
    MapNode* node = index_.Find(key.group - range_.first, key.hash, key.key);
    if (node != nullptr) node->referenced = true;
    if (node != nullptr && (node->complete || node->entries.contains(entry.map_key))) continue;
    std::string& tier_key = missing.emplace_back();
    AppendTierPrefix(key.group, id(), &tier_key);
    internal::AppendEscaped(key.key, &tier_key);
    tier_key.append(entry.map_key.data(), entry.map_key.size());
  }
  if (!missing.empty()) Fetch(std::move(missing), index_);
}

// No entry is looked at, so none is fetched.
void TierMapTable::PrefetchToAppend(absl::Span<const MapEntryRef> entries) {
  if (!state().takes_appends()) return Prefetch(entries);
  tier_.BeforeAccess();
  if (!WorthPrefetching(entries.size())) return;
  PrefetchLines(entries,
                [this](const KeyRef& key) { return &index_.group(key.group - range_.first); });
}

void TierMapTable::Clear() {
  tier_.BeforeAccess();
  CheckKey();
  // What is evicted in between is in RocksDB, and met there.
  ClearInMemory();
  if (Incomplete(InMemory())) ClearInStore();
}

void TierMapTable::ClearInMemory() {
  std::string from;
  while (MapNode* node = InMemory()) {
    auto at = node->entries.lower_bound(from);
    for (size_t entries = 0; at != node->entries.end() && entries < kClearedEntries;
         ++at, ++entries) {
      if (!at->second->present()) continue;
      MakeTyped(at->second);
      MakeAbsent(at->second);
    }
    if (at == node->entries.end()) return;
    from = at->first;
    // May evict entries, and the node.
    tier_.BeforeAccess();
  }
}

void TierMapTable::ClearInStore() {
  std::string from;
  while (ClearPageInStore(&from)) tier_.BeforeAccess();
}

bool TierMapTable::ClearPageInStore(std::string* from) {
  MapNode& node = Node();
  const auto scan = ScanNode(node, *from);
  for (size_t entries = 0; scan->valid() && entries < kClearedEntries; scan->Next(), ++entries) {
    RemoveEntry(node, scan->key().substr(node.prefix.size()));
  }
  if (!scan->status().ok()) {
    tier_.Fail(scan->status());
    return false;
  }
  // Then all there was has a tombstone, or had one that RocksDB has seen.
  node.complete = !scan->valid();
  if (node.complete) return false;
  *from = std::string(scan->key().substr(node.prefix.size()));
  return true;
}

void TierMapTable::ForEachEntry(absl::FunctionRef<void(absl::string_view tier_key)> visit) {
  tier_.BeforeAccess();
  index_.ForEach([&](MapNode& node) {
    for (const auto& [map_key, version] : node.entries) {
      if (version->present()) visit(version->key());
    }
  });
  (void)ScanStore({}, [&](absl::string_view key, absl::string_view) {
    if (index_.Find(key) == nullptr) visit(key);
    return true;
  });
}

size_t TierMapTable::ExpireInMemory(int64_t oldest_micros, size_t entries) {
  for (; next_group_ < index_.num_groups(); ++next_group_, next_slot_ = 0) {
    KeyIndex<MapNode>& nodes = index_.group(next_group_);
    for (; next_slot_ < nodes.num_slots(); ++next_slot_, next_map_key_.clear()) {
      MapNode* node = nodes.at(next_slot_);
      if (node == nullptr) continue;
      for (auto at = node->entries.lower_bound(next_map_key_); at != node->entries.end(); ++at) {
        Version*& slot = at->second;
        if (!slot->present()) continue;
        if (entries == 0) {
          next_map_key_ = at->first;
          return 0;
        }
        --entries;
        if (DecodeSlot(slot) && type_->Expired(oldest_micros, slot->cell())) MakeAbsent(slot);
      }
    }
  }
  return entries;
}

size_t TierMapTable::ExpireInStore(int64_t oldest_micros, size_t entries) {
  const auto in_memory = [this](absl::string_view key) { return index_.Find(key) != nullptr; };
  for (const std::string& key : FindExpired(oldest_micros, in_memory, entries)) {
    Version* version = tier_.NewVersion(key, type_);
    (void)tier_.Own(RocksFamily::kState, version);
    index_.Insert(version);
  }
  if (!all_looked_at()) return 0;
  next_group_ = next_slot_ = 0;
  // At the end, it is the next state's turn.
  return std::max<size_t>(entries, 1);
}

size_t TierMapTable::Expire(int64_t oldest_micros, size_t entries) {
  tier_.BeforeAccess();
  entries = ExpireInMemory(oldest_micros, entries);
  return entries == 0 ? 0 : ExpireInStore(oldest_micros, entries);
}

}  // namespace weir

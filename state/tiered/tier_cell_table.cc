#include "state/tiered/tier_cell_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace weir {

absl::string_view TierCellTable::CurrentTierKey() {
  tier_key_.clear();
  AppendTierPrefix(range_.first + static_cast<uint32_t>(current_.group_index()), id(), &tier_key_);
  tier_key_.append(current_.key().data(), current_.key().size());
  return tier_key_;
}

Version** TierCellTable::Lookup() {
  tier_.BeforeAccess();
  CheckKey();
  CountLookup();
  if (Version** slot = InMemory(); slot != nullptr) {
    ++tier_.counters().hits;
    (*slot)->referenced = true;
    return slot;
  }
  if (tier_.store() == nullptr) return nullptr;
  Version* loaded = Load(CurrentTierKey());
  return loaded == nullptr ? nullptr : group().Insert(current_.hash(), loaded);
}

Version** TierCellTable::FindPresent() {
  Version** slot = Lookup();
  if (slot == nullptr || !(*slot)->present()) return nullptr;
  return DecodeSlot(*slot) ? slot : nullptr;
}

void* TierCellTable::CellIn(Version** slot) {
  if (slot == nullptr) {
    slot = group().Insert(current_.hash(), tier_.NewVersion(CurrentTierKey(), type_));
  }
  // What cannot be decoded gives way to a new cell.
  if (!DecodeSlot(*slot)) ReplaceByNone(*slot);
  MakeTyped(*slot);
  if ((*slot)->present()) return HandOut(*slot);
  tier_.Own(RocksFamily::kState, *slot).Construct();
  return HandOut(*slot);
}

void* TierCellTable::FindToAppend() {
  if (!state().takes_appends()) return FindOrCreate();
  tier_.BeforeAccess();
  CheckKey();
  Version** slot = InMemory();
  // Without a lookup: what is only added to is not worth fetching.
  if (slot == nullptr && tier_.store() == nullptr) return CellIn(slot);
  if (slot != nullptr && ChangesAsAWhole(**slot)) return CellIn(slot);
  if (slot == nullptr || !tier_.active(**slot)) {
    Version* append = tier_.NewVersion(CurrentTierKey(), type_);
    append->Construct();
    tier_.AddAppend(*append, slot == nullptr ? nullptr : *slot);
    if (slot == nullptr) {
      slot = group().Insert(current_.hash(), append);
    } else {
      *slot = append;
    }
  }
  (*slot)->referenced = true;
  tier_.HandedOut(**slot);
  return (*slot)->cell();
}

void TierCellTable::InsertTombstone(absl::string_view tier_key) {
  Version* version = tier_.NewVersion(tier_key, type_);
  tier_.Own(RocksFamily::kState, version);
  index_.Insert(version);
}

void TierCellTable::Clear() {
  tier_.BeforeAccess();
  CheckKey();
  if (Version** slot = InMemory(); slot != nullptr) {
    if (!(*slot)->present()) return;
    MakeTyped(*slot);
    return MakeAbsent(*slot);
  }
  // Without a look: a tombstone costs less than reading.
  if (tier_.store() != nullptr) InsertTombstone(CurrentTierKey());
}

void TierCellTable::PrefetchKeys(absl::Span<const KeyRef> keys) {
  tier_.BeforeAccess();
  if (!WorthPrefetching(keys.size())) return;
  PrefetchLines(keys,
                [this](const KeyRef& key) { return &index_.group(key.group - range_.first); });
  if (!BeginFetching()) return;
  std::vector<std::string> missing;
  for (const KeyRef& key : keys) {
    Version** slot = index_.group(key.group - range_.first).Find(key.hash, key.key);
    if (slot != nullptr) {
      (*slot)->referenced = true;
      continue;
    }
    std::string& tier_key = missing.emplace_back();
    AppendTierPrefix(key.group, id(), &tier_key);
    tier_key.append(key.key.data(), key.key.size());
  }
  if (!missing.empty()) Fetch(std::move(missing), index_);
}

void TierCellTable::ForEachEntry(absl::FunctionRef<void(absl::string_view tier_key)> visit) {
  tier_.BeforeAccess();
  index_.ForEach([&](Version*& slot) {
    if (slot->present()) visit(slot->key());
  });
  (void)ScanStore({}, [&](absl::string_view key, absl::string_view) {
    if (index_.Find(key) == nullptr) visit(key);
    return true;
  });
}

void TierCellTable::ExpireAppend(KeyIndex<Version>& cells, int64_t oldest_micros) {
  Version*& slot = cells.at(next_slot_);
  if (tier_.clean(*slot)) {
    // RocksDB has all of the list, and is looked at behind what is in memory.
    slot->DropBelow();
    slot->Release();
    cells.EraseSlot(next_slot_);
    return;
  }
  const bool expired = slot->form() == Version::Form::kDecoded
                           ? type_->Expired(oldest_micros, slot->cell())
                           : ExpiredValue(slot->encoded(), oldest_micros);
  // What is below may be alive all the same.
  if (expired && DecodeSlot(slot) && type_->Expired(oldest_micros, slot->cell())) MakeAbsent(slot);
}

size_t TierCellTable::Expire(int64_t oldest_micros, size_t entries) {
  tier_.BeforeAccess();
  for (; next_group_ < index_.groups().size(); ++next_group_, next_slot_ = 0) {
    KeyIndex<Version>& cells = index_.group(next_group_);
    for (; next_slot_ < cells.num_slots(); ++next_slot_) {
      if (entries == 0) return 0;
      Version*& slot = cells.at(next_slot_);
      if (slot == nullptr || !slot->present()) continue;
      --entries;
      if (slot->is_append()) {
        ExpireAppend(cells, oldest_micros);
        continue;
      }
      if (DecodeSlot(slot) && type_->Expired(oldest_micros, slot->cell())) MakeAbsent(slot);
    }
  }
  if (entries == 0) return 0;
  const auto in_memory = [this](absl::string_view key) { return index_.Find(key) != nullptr; };
  for (const std::string& key : FindExpired(oldest_micros, in_memory, entries)) {
    InsertTombstone(key);
  }
  if (!all_looked_at()) return 0;
  next_group_ = next_slot_ = 0;
  // At the end, it is the next state's turn.
  return std::max<size_t>(entries, 1);
}

}  // namespace weir

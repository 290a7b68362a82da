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

void* TierCellTable::FindOrCreate() {
  Version** slot = Lookup();
  if (slot == nullptr) {
    slot = group().Insert(current_.hash(), tier_.NewVersion(CurrentTierKey(), type_));
  }
  // What cannot be decoded has no type, and gives way to a new cell.
  (void)DecodeSlot(*slot);
  MakeTyped(*slot);
  if ((*slot)->present()) return HandOut(*slot);
  tier_.Own(RocksFamily::kState, *slot).Construct();
  return HandOut(*slot);
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

size_t TierCellTable::Expire(int64_t oldest_micros, size_t entries) {
  tier_.BeforeAccess();
  for (; next_group_ < index_.groups().size(); ++next_group_, next_slot_ = 0) {
    KeyIndex<Version>& cells = index_.group(next_group_);
    for (; next_slot_ < cells.num_slots(); ++next_slot_) {
      if (entries == 0) return 0;
      Version*& slot = cells.at(next_slot_);
      if (slot == nullptr || !slot->present()) continue;
      --entries;
      if (DecodeSlot(slot) && type_->Expired(oldest_micros, slot->cell())) MakeAbsent(slot);
    }
  }
  if (entries == 0) return 0;
  std::vector<std::string> expired;
  next_key_ = ScanStore(next_key_, [&](absl::string_view key, absl::string_view value) {
    if (entries == 0) return false;
    --entries;
    if (index_.Find(key) == nullptr && ExpiredValue(value, oldest_micros)) {
      expired.emplace_back(key);
    }
    return true;
  });
  for (const std::string& key : expired) InsertTombstone(key);
  if (next_key_.empty()) next_group_ = next_slot_ = 0;
  // At the end, it is the next state's turn.
  return next_key_.empty() ? std::max<size_t>(entries, 1) : 0;
}

}  // namespace weir

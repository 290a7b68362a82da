#include "state/tiered/tier_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir {
namespace {

/// A cell of its own, for a look at one.
class TemporaryCell {
 public:
  explicit TemporaryCell(const CellType& type)
      : type_(type), at_(::operator new(type.size(), std::align_val_t(type.alignment()))) {
    type_.Construct(at_);
  }
  ~TemporaryCell() {
    type_.Destroy(at_);
    ::operator delete(at_, std::align_val_t(type_.alignment()));
  }
  TemporaryCell(const TemporaryCell&) = delete;
  TemporaryCell& operator=(const TemporaryCell&) = delete;
  void* get() const { return at_; }

 private:
  const CellType& type_;
  void* const at_;
};

}  // namespace

TierTable::TierTable(const StateDefinition& definition, uint32_t id, StateTier& tier,
                     KeyGroupRange range, const HeapCurrentKey& current)
    : tier_(tier),
      range_(range),
      current_(current),
      type_(definition.cell_type),
      id_(id),
      name_(definition.name),
      plain_(definition.cell_type->plain()) {}

void TierTable::FailWithoutKey() const { FailStateWithoutKey(name_); }

absl::Status TierTable::Undecodable() const {
  return absl::DataLossError(absl::StrCat("a value of state '", name_, "' cannot be decoded"));
}

bool TierTable::GoodKey(const TierState& state, absl::string_view tier_key) {
  if (state.kind != StateKind::kMap) return true;
  std::string key;
  absl::string_view map_key;
  return SplitMapKey(tier_key, &key, &map_key) && state.is_map_key(map_key);
}

Version* TierTable::NewDecoded(absl::string_view tier_key, absl::string_view value) {
  Version* version = tier_.NewVersion(tier_key, type_);
  const TierState& of = state();
  if (of.Decode(value, version->Construct()) && GoodKey(of, tier_key)) {
    if (!plain_) version->Measure();
    return version;
  }
  version->Release();
  tier_.Fail(Undecodable());
  return nullptr;
}

void TierTable::ReplaceByNone(Version*& slot) {
  Version* typed = tier_.NewVersion(slot->key(), type_);
  typed->generation = slot->generation;
  slot->Release();
  slot = typed;
}

bool TierTable::DecodeSlot(Version*& slot) {
  if (slot->is_append()) return CompleteSlot(slot);
  if (slot->form() != Version::Form::kEncoded) return true;
  Version* decoded = NewDecoded(slot->key(), slot->encoded());
  if (decoded == nullptr) return false;
  // As new as its layer says, so it stays until that is in RocksDB.
  decoded->generation = slot->generation;
  slot->Release();
  slot = decoded;
  return true;
}

bool TierTable::BeginFetching() {
  if (!tier_.fetches()) return false;
  // Before it is seen what is missing; most likely as much as for the last batch.
  tier_.Reserve(std::exchange(last_fetched_bytes_, 0));
  return tier_.store() != nullptr;
}

void TierTable::Fetch(std::vector<std::string> tier_keys, TierIndex& index) {
  std::sort(tier_keys.begin(), tier_keys.end());
  tier_keys.erase(std::unique(tier_keys.begin(), tier_keys.end()), tier_keys.end());
  const absl::Span<const std::string> keys(tier_keys);
  size_t bytes = 0;
  for (size_t at = 0; at < keys.size() && bytes < tier_.fetch_bytes();) {
    const size_t fitting = std::max<size_t>(1, (tier_.fetch_bytes() - bytes) / fetched_bytes_);
    const absl::Span<const std::string> chunk = keys.subspan(at, fitting);
    const size_t charged = FetchChunk(chunk, index);
    if (!tier_.status().ok()) return;
    fetched_bytes_ = std::max<size_t>(1, charged / chunk.size());
    bytes += charged;
    at += chunk.size();
  }
  last_fetched_bytes_ = bytes;
}

size_t TierTable::FetchChunk(absl::Span<const std::string> tier_keys, TierIndex& index) {
  const std::vector<absl::string_view> views(tier_keys.begin(), tier_keys.end());
  std::vector<Version*> versions(views.size(), nullptr);
  const size_t before = tier_.account().bytes();
  const absl::Status status = tier_.store()->MultiGet(
      RocksFamily::kState, views, [&](size_t place, absl::string_view value) {
        versions[place] = NewDecoded(views[place], value);
      });
  if (!status.ok()) tier_.Fail(status);
  size_t bytes = 0;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (!tier_.status().ok()) {
      if (versions[i] != nullptr) versions[i]->Release();
      continue;
    }
    if (versions[i] == nullptr) versions[i] = tier_.NewVersion(views[i], type_);
    bytes += versions[i]->charged_bytes();
    index.Insert(versions[i]);
    ++tier_.counters().prefetched;
  }
  // Maps that were not there have become charged, too; but others may have been freed meanwhile.
  const size_t after = tier_.account().bytes();
  return std::max(bytes, after > before ? after - before : 0);
}

Version* TierTable::Load(absl::string_view tier_key) {
  ++tier_.counters().misses;
  std::string value;
  const absl::StatusOr<bool> found = tier_.store()->Get(RocksFamily::kState, tier_key, &value);
  if (!found.ok()) {
    tier_.Fail(found.status());
    return nullptr;
  }
  return *found ? NewDecoded(tier_key, value) : tier_.NewVersion(tier_key, type_);
}

void* TierTable::HandOut(Version*& slot) {
  Version& version = tier_.Own(RocksFamily::kState, slot);
  if (!plain_) tier_.HandedOut(version);
  return version.cell();
}

bool TierTable::ExpiredValue(absl::string_view value, int64_t oldest_micros) const {
  const TemporaryCell cell(*type_);
  return state().Decode(value, cell.get()) && type_->Expired(oldest_micros, cell.get());
}

std::string TierTable::ScanStore(
    const std::string& from,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  if (tier_.store() == nullptr) return {};
  const uint32_t first = from.empty() ? range_.first : GroupOfTierKey(from);
  for (uint32_t group = first; group < range_.end; ++group) {
    std::string begin;
    std::string end;
    AppendTierPrefix(group, id_, &begin);
    AppendTierPrefix(group, id_ + 1, &end);
    if (group == first && !from.empty()) begin = from;
    const auto scan = tier_.store()->ScanPastCache(RocksFamily::kState, begin, end);
    for (; scan->valid(); scan->Next()) {
      if (!visit(scan->key(), scan->value())) return std::string(scan->key());
    }
    if (!scan->status().ok()) {
      tier_.Fail(scan->status());
      return {};
    }
  }
  return {};
}

bool TierTable::RoundTooSoon(int64_t oldest_micros) {
  // A clock that was put back must not stop the clean-up.
  if (round_micros_.has_value() && oldest_micros >= *round_micros_ &&
      oldest_micros - *round_micros_ < state().ttl_micros / kRoundsPerTtl) {
    return true;
  }
  round_micros_ = oldest_micros;
  return false;
}

std::vector<std::string> TierTable::FindExpired(
    int64_t oldest_micros, absl::FunctionRef<bool(absl::string_view key)> in_memory,
    size_t& entries) {
  std::vector<std::string> expired;
  if (next_key_.empty() && RoundTooSoon(oldest_micros)) return expired;
  next_key_ = ScanStore(next_key_, [&](absl::string_view key, absl::string_view value) {
    if (entries == 0) return false;
    ++tier_.counters().cleaned_up;
    const bool has_expired = !in_memory(key) && ExpiredValue(value, oldest_micros);
    if (has_expired) expired.emplace_back(key);
    entries -= std::min(entries, has_expired ? kStoredEntryCost / 2 : kStoredEntryCost);
    return true;
  });
  return expired;
}

}  // namespace weir

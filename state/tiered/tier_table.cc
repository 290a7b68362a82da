#include "state/tiered/tier_table.h"

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

void TierTable::MakeTyped(Version*& slot) {
  if (slot->type() != nullptr) return;
  Version* typed = tier_.NewVersion(slot->key(), type_);
  typed->generation = slot->generation;
  slot->Release();
  slot = typed;
}

bool TierTable::DecodeSlot(Version*& slot) {
  if (slot->form() != Version::Form::kEncoded) return true;
  Version* decoded = NewDecoded(slot->key(), slot->encoded());
  if (decoded == nullptr) return false;
  // As new as its layer says, so it stays until that is in RocksDB.
  decoded->generation = slot->generation;
  slot->Release();
  slot = decoded;
  return true;
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
    const auto scan = tier_.store()->Scan(RocksFamily::kState, begin, end);
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

}  // namespace weir

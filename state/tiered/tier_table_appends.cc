// Lists of which a part is in memory alone, as they are read.
#include <utility>
#include <vector>

#include "state/tiered/tier_table.h"

namespace weir {

Version* TierTable::CopyWhole(const Version& from) {
  if (from.form() == Version::Form::kEncoded) return NewDecoded(from.key(), from.encoded());
  Version* whole = tier_.NewVersion(from.key(), type_);
  if (from.present()) whole->ConstructFrom(from.cell());
  return whole;
}

bool TierTable::AddParts(absl::Span<const Version* const> newest_first, Version& whole) {
  const TierState& of = state();
  for (size_t i = newest_first.size(); i > 0; --i) {
    const Version& part = *newest_first[i - 1];
    if (part.form() == Version::Form::kDecoded) {
      type_->AddBehind(part.cell(), whole.cell());
    } else if (!GoodKey(of, part.key()) || !of.Decode(part.encoded(), whole.cell())) {
      return false;
    }
  }
  whole.Measure();
  return true;
}

bool TierTable::CompleteSlot(Version*& slot) {
  std::vector<const Version*> appends;
  const Version* at = slot;
  for (; at != nullptr && at->is_append(); at = at->below()) appends.push_back(at);
  Version* whole = nullptr;
  if (at != nullptr) {
    whole = CopyWhole(*at);
  } else if (tier_.store() == nullptr) {
    whole = tier_.NewVersion(slot->key(), type_);
  } else {
    // RocksDB has those that are clean.
    while (!appends.empty() && tier_.clean(*appends.back())) appends.pop_back();
    whole = Load(slot->key());
  }
  if (whole == nullptr) return false;
  if (!whole->present()) whole->Construct();
  if (!AddParts(appends, *whole)) {
    whole->Release();
    tier_.Fail(Undecodable());
    return false;
  }
  tier_.Complete(slot, whole);
  return true;
}

}  // namespace weir

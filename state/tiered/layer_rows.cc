#include "state/tiered/layer_rows.h"

#include <algorithm>

namespace weir {

StoreChange LayerRow::kind() const {
  const Version& first = *parts_[0].version;
  if (first.is_append()) return StoreChange::kAppend;
  return first.present() || parts_.size() > 1 ? StoreChange::kPut : StoreChange::kDelete;
}

void LayerRow::Encode(std::string* out) const {
  for (const LayerEntry& part : parts_) {
    if (part.version->present()) part.layer->EncodeValue(*part.version, out);
  }
}

absl::Status LayerRow::EncodeToStore(std::string* out) const {
  Encode(out);
  // Timers have no values.
  return out->empty() ? absl::OkStatus() : parts_[0].layer->states().CheckSize(key(), out->size());
}

void LayerRows::Iterator::FindNext() {
  next_ = at_;
  if (at_ == end_) return;
  ++next_;
  while (next_ != end_ && next_->version->is_append() &&
         next_->version->key() == at_->version->key()) {
    ++next_;
  }
}

LayerRows::LayerRows(absl::Span<const LayerPtr> layers, RocksFamily family) {
  size_t versions = 0;
  for (const LayerPtr& layer : layers) versions += layer->versions(family).size();
  entries_.reserve(versions);
  for (const LayerPtr& layer : layers) {
    for (const Version* version : layer->versions(family)) {
      entries_.push_back({version, layer.get()});
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const LayerEntry& a, const LayerEntry& b) {
    return a.version->key() < b.version->key();
  });
  // Of equal keys the last that is no append stays, and what is behind it.
  size_t kept = 0;
  size_t row = 0;
  for (const LayerEntry entry : entries_) {
    const bool same = kept > row && entries_[row].version->key() == entry.version->key();
    if (!same || !entry.version->is_append()) {
      if (!same) row = kept;
      kept = row;
    }
    entries_[kept++] = entry;
  }
  entries_.resize(kept);
}

}  // namespace weir

#include "state/tiered/tier_loader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "state/rocksdb/rocks_loader.h"
#include "state/tiered/dirty_log.h"

namespace weir {

namespace {

absl::Status CheckSize(const TierChange& change) {
  if (change.key.size() + change.value.size() <= kLargestEntryBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a value of ", change.value.size(), " bytes is restored, and at most ",
                   kLargestEntryBytes, " can be stored under one key"));
}

// The newer one comes on top.
void PutOnTop(TierChange newer, TierChange* change) {
  if (newer.kind != StoreChange::kAppend) {
    *change = std::move(newer);
    return;
  }
  if (change->kind == StoreChange::kDelete) change->kind = StoreChange::kPut;
  change->value += newer.value;
}

}  // namespace

absl::Status TierLoader::Add(TierChange change) {
  WEIR_RETURN_IF_ERROR(CheckSize(change));
  bytes_ += sizeof(change) + change.key.size() + change.value.size();
  changes_.push_back(std::move(change));
  return bytes_ < chunk_bytes_ ? absl::OkStatus() : Spill();
}

absl::Status TierLoader::Combine() {
  std::stable_sort(changes_.begin(), changes_.end(), [](const TierChange& a, const TierChange& b) {
    return std::tie(a.family, a.key) < std::tie(b.family, b.key);
  });
  size_t kept = 0;
  for (size_t i = 0; i < changes_.size(); ++i) {
    TierChange& change = changes_[i];
    const bool same = kept > 0 && changes_[kept - 1].family == change.family &&
                      changes_[kept - 1].key == change.key;
    if (same) {
      PutOnTop(std::move(change), &changes_[kept - 1]);
      WEIR_RETURN_IF_ERROR(CheckSize(changes_[kept - 1]));
    } else if (kept++ != i) {
      changes_[kept - 1] = std::move(change);
    }
  }
  changes_.resize(kept);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TierChange>> TierLoader::TakeRest() {
  WEIR_RETURN_IF_ERROR(Combine());
  return std::move(changes_);
}

absl::Status TierLoader::Spill() {
  WEIR_RETURN_IF_ERROR(Combine());
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<RocksStore> store, files_.Store());
  RocksLoader loader(*store, files_.NextLoadPath());
  for (const TierChange& change : changes_) {
    WEIR_RETURN_IF_ERROR(loader.Add(change.kind, change.family, change.key, change.value));
  }
  WEIR_RETURN_IF_ERROR(loader.Finish());
  spilled_ = true;
  changes_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace weir

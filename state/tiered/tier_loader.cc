#include "state/tiered/tier_loader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "state/rocksdb/rocks_loader.h"
#include "state/tiered/dirty_log.h"

namespace weir {

absl::Status TierLoader::Add(TierChange change) {
  if (change.key.size() + change.value.size() > kLargestEntryBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a value of ", change.value.size(), " bytes is restored, and at most ",
                     kLargestEntryBytes, " can be stored under one key"));
  }
  bytes_ += sizeof(change) + change.key.size() + change.value.size();
  changes_.push_back(std::move(change));
  return bytes_ < chunk_bytes_ ? absl::OkStatus() : Spill();
}

absl::Status TierLoader::Spill() {
  std::stable_sort(changes_.begin(), changes_.end(), [](const TierChange& a, const TierChange& b) {
    return std::tie(a.family, a.key) < std::tie(b.family, b.key);
  });
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<RocksStore> store, files_.Store());
  RocksLoader loader(*store, files_.NextLoadPath());
  for (size_t i = 0; i < changes_.size(); ++i) {
    const TierChange& change = changes_[i];
    const bool superseded = i + 1 < changes_.size() && changes_[i + 1].family == change.family &&
                            changes_[i + 1].key == change.key;
    if (superseded) continue;
    WEIR_RETURN_IF_ERROR(change.deleted ? loader.Delete(change.family, change.key)
                                        : loader.Put(change.family, change.key, change.value));
  }
  WEIR_RETURN_IF_ERROR(loader.Finish());
  spilled_ = true;
  changes_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

}  // namespace weir

#include "state/tiered/tier_expiry.h"

#include "common/types/byte_reader.h"
#include "state/tiered/tier_key.h"

namespace weir {

bool TierExpiry::Expired(absl::string_view key, absl::string_view value) const {
  if (key.size() < kTierPrefixSize) return false;
  MutexLock lock(mutex_);
  const TierState* state = states_ == nullptr ? nullptr : states_->Find(StateOfTierKey(key));
  if (state == nullptr || !state->stamped() || state->kind == StateKind::kList) return false;
  ByteReader in(value);
  uint64_t format = 0;
  if (!in.ReadVarint(&format) || format >= state->formats.size()) return false;
  const TierFormat& written = state->formats[static_cast<size_t>(format)];
  // There may be more of it that is not here.
  if (InParts(state->kind, written)) return false;
  int64_t stamp = written.stamp_micros;
  if (written.has_times() && !in.ReadFixed(&stamp)) return false;
  return stamp != kNoStamp &&
         stamp <= state->OldestMicros(now_micros_.load(std::memory_order_relaxed));
}

}  // namespace weir

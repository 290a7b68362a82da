#pragma once

#include <cstddef>

#include "state/api/key_ref.h"

namespace weir {

/// Says for which batches a state's part of KeyedStateStore::Prefetch is worth while: not for a
/// state that has had fewer look-ups than a quarter of the keys it was prefetched for, for its next
/// kSkippedBatches. Threads: the task's.
class PrefetchPacer {
 public:
  static constexpr int kSkippedBatches = 16;

  /// For the head of every look-up.
  void CountLookup() { ++lookups_; }
  /// Before anything is done for a batch of so many keys.
  bool Worth(size_t keys) {
    // An access may be two look-ups.
    if (lookups_ * 4 < prefetched_keys_) skipped_batches_ = kSkippedBatches;
    lookups_ = 0;
    prefetched_keys_ = 0;
    if (skipped_batches_ > 0) {
      --skipped_batches_;
      return false;
    }
    prefetched_keys_ = keys;
    return true;
  }

 private:
  size_t lookups_ = 0;  // since the last batch
  size_t prefetched_keys_ = 0;
  int skipped_batches_ = 0;
};

inline const KeyRef& KeyOf(const KeyRef& key) { return key; }
inline const KeyRef& KeyOf(const MapEntryRef& entry) { return entry.key; }

/// Of a hash table of slots with pointers to what they hold: for all of a batch's keys the lines of
/// memory that a look-up reads one behind the other are asked for at once. Only costs change by it.
///
/// `group_of(key)` is the table of a key, null for none; it has PrefetchSlot and PrefetchNode.
template <class Keys, class GroupOf>
void PrefetchLines(const Keys& keys, const GroupOf& group_of) {
  for (const auto& one : keys) {
    const KeyRef& key = KeyOf(one);
    if (const auto* group = group_of(key); group != nullptr) group->PrefetchSlot(key.hash);
  }
  for (const auto& one : keys) {
    const KeyRef& key = KeyOf(one);
    if (const auto* group = group_of(key); group != nullptr) group->PrefetchNode(key.hash);
  }
}

/// From so many bytes of state on, look-ups at random wait for memory: no processor's own cache
/// holds them.
inline constexpr size_t kUncachedStateBytes = 2u << 20;

}  // namespace weir

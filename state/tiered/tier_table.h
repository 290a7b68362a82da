#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "state/api/keyed_state_store.h"
#include "state/keyed/heap_table.h"
#include "state/keyed/prefetch_pacer.h"
#include "state/tiered/state_tier.h"

namespace weir {

/// What the tables of the tier, of cells and of maps, have in common: a state, the current key, and
/// the steps from a version to a cell.
///
/// Threads: the task's. Lifetime: borrows tier and current key.
class TierTable {
 public:
  TierTable(const StateDefinition& definition, uint32_t id, StateTier& tier, KeyGroupRange range,
            const HeapCurrentKey& current);
  virtual ~TierTable() = default;

  uint32_t id() const { return id_; }
  /// As long as nothing has been stored.
  void Renumber(uint32_t id) { id_ = id; }

  /// As KeyedStateStore::Prefetch.
  virtual void PrefetchKeys(absl::Span<const KeyRef> keys) = 0;
  /// All that is stored: from memory, then from RocksDB.
  virtual void ForEachEntry(absl::FunctionRef<void(absl::string_view tier_key)> visit) = 0;
  /// As KeyedStateBackend::CleanUpExpired on this state; returns what is left of `entries`, but 1
  /// at least, when all were looked at, and 0 when they were not.
  virtual size_t Expire(int64_t oldest_micros, size_t entries) = 0;

  /// Smaller lists that are in memory are changed as a whole, as values are.
  static constexpr size_t kRewrittenBytes = 1024;

 protected:
  void CheckKey() const {
    if (__builtin_expect(!current_.is_set(), 0)) FailWithoutKey();
  }
  const TierState& state() const { return *tier_.states()->Find(id_); }
  /// A version that can hold a cell is in the slot then.
  void MakeTyped(Version*& slot) {
    if (slot->type() == nullptr) ReplaceByNone(slot);
  }
  /// One that can, and has none.
  void ReplaceByNone(Version*& slot);
  /// The version in the slot has its cell then, a list its whole one; false, with the tier's
  /// status, when it cannot.
  bool DecodeSlot(Version*& slot);
  /// For the head of every look-up: what is not looked at is not prefetched for long.
  void CountLookup() { pacer_.CountLookup(); }
  /// Before anything is done for a batch with so many keys.
  bool WorthPrefetching(size_t keys) { return pacer_.Worth(keys); }
  /// Makes room for what will be fetched. False: nothing needs to be looked for.
  bool BeginFetching();
  /// Clean versions of what RocksDB has under these keys, which are not in the index, go there;
  /// fewer when they are too large for memory.
  void Fetch(std::vector<std::string> tier_keys, TierIndex& index);
  /// A clean version of what RocksDB has; null after an error.
  Version* Load(absl::string_view tier_key);
  /// Of bytes of RocksDB; null after an error.
  Version* NewDecoded(absl::string_view tier_key, absl::string_view value);
  void* HandOut(Version*& slot);
  /// What is added to it comes into it, and not into an append: nothing else has to be written
  /// then, or not much.
  bool ChangesAsAWhole(const Version& version) const {
    return !version.is_append() && (!version.present() || tier_.active(version) ||
                                    version.charged_bytes() <= kRewrittenBytes);
  }
  /// The slot's version is a tombstone of the active layer then.
  void MakeAbsent(Version*& slot) { tier_.Delete(RocksFamily::kState, slot); }
  bool ExpiredValue(absl::string_view value, int64_t oldest_micros) const;
  /// RocksDB's entries of this state from `from` on (empty: the first), group by group, until
  /// visit says false. Returns where it ended: empty at the end.
  std::string ScanStore(
      const std::string& from,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit);
  /// The last part of Expire: the keys of what has expired among the next entries of RocksDB that
  /// are not in memory, for tombstones. Takes of `entries` what that has cost.
  std::vector<std::string> FindExpired(int64_t oldest_micros,
                                       absl::FunctionRef<bool(absl::string_view key)> in_memory,
                                       size_t& entries);
  /// FindExpired has come to the end, and Expire begins anew.
  bool all_looked_at() const { return next_key_.empty(); }

  StateTier& tier_;
  const KeyGroupRange range_;
  const HeapCurrentKey& current_;
  const CellType* const type_;

 private:
  static constexpr size_t kFirstFetchedBytes = 4096;
  // An entry of RocksDB costs the clean-up as much as so many in memory; an expired one half of
  // that, so that they cannot come faster than they go.
  static constexpr size_t kStoredEntryCost = 8;
  // RocksDB is gone through so many times while a value lives, at most.
  static constexpr int64_t kRoundsPerTtl = 8;

  [[noreturn]] void FailWithoutKey() const;
  absl::Status Undecodable() const;
  // The handles of maps decode the keys of entries, and rely on them.
  static bool GoodKey(const TierState& state, absl::string_view tier_key);

  // Of DecodeSlot: an append gives way to the list with all that is below it.
  bool CompleteSlot(Version*& slot);
  // A clean version with a cell of what the other one has.
  Version* CopyWhole(const Version& from);
  bool AddParts(absl::Span<const Version* const> newest_first, Version& whole);

  // RocksDB has been gone through lately; else it is from now on.
  bool RoundTooSoon(int64_t oldest_micros);
  // Charged bytes.
  size_t FetchChunk(absl::Span<const std::string> tier_keys, TierIndex& index);

  uint32_t id_;
  const std::string name_;
  const bool plain_;
  PrefetchPacer pacer_;
  size_t fetched_bytes_ = kFirstFetchedBytes;  // a version's, about
  size_t last_fetched_bytes_ = 0;              // of a batch
  std::string next_key_;                       // where FindExpired goes on
  std::optional<int64_t> round_micros_;        // of its last beginning: what had expired then
};

}  // namespace weir

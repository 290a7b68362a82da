#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

#include "common/types/key_group.h"
#include "state/api/keyed_timers.h"
#include "state/keyed/heap_table.h"
#include "state/tiered/state_tier.h"

namespace weir {

/// The timers of one key group and domain: what changed lately, and the earliest of RocksDB.
///
/// All timers before `loaded_until` are in memory, behind it only changed ones: these may not be
/// due before the ones of RocksDB that stand between. Versions are marks (present) or tombstones.
struct TierTimerGroup {
  absl::btree_map<std::string, Version*> timers;  // by their keys (state/tiered/tier_key.h)
  std::optional<std::string> loaded_until;        // nothing: all are in memory
  std::string first;                              // the earliest; empty: there is none
};

/// The timers of a tier and the watermarks of its groups. As KeyedTimers.
/// Threads: the task's. Lifetime: holds its versions; borrows tier and current key.
class TierTimers final : public KeyedTimers, public TierIndex {
 public:
  TierTimers(KeyGroupRange range, StateTier& tier, const HeapCurrentKey& current);
  ~TierTimers() override;

  void Register(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override;
  void Delete(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override;
  std::optional<int64_t> NextDue(TimeDomain domain) const override;
  std::optional<DueTimer> FirstOf(TimeDomain domain, uint32_t group) const override;
  std::optional<DueTimer> PopDue(TimeDomain domain, int64_t until_micros) override;
  std::optional<DueTimer> PopDueByWatermark() override;
  EventTime GroupWatermark(uint32_t group) const override;
  void AdvanceWatermark(EventTime watermark) override;

  /// By place in the range, in microseconds.
  const std::vector<int64_t>& watermarks() const { return watermarks_; }
  void RestoreWatermark(uint32_t group, int64_t micros) {
    watermarks_[group - range_.first] = micros;
    highest_watermark_ = std::max(highest_watermark_, micros);
  }
  /// After a restore: what is earliest in RocksDB and among the versions inserted.
  void LoadHeads();

  void EvictClean(StateTier& tier) override;
  void Insert(Version* version) override;

  static constexpr size_t kLoadedTimers = 64;  // of a group, read at once
  static constexpr size_t kKeptTimers = 16;    // of a group, the earliest, kept by evictions

 private:
  using Group = TierTimerGroup;
  // The earliest of each group that has any, without the group's bytes, and the group's place.
  using Heads = absl::btree_set<std::pair<std::string, size_t>>;

  static size_t Index(TimeDomain domain) { return static_cast<size_t>(domain); }
  Group& GroupOf(TimeDomain domain, size_t group) { return groups_[Index(domain)][group]; }
  std::string KeyOfCurrent(TimeDomain domain, int64_t time_micros,
                           absl::string_view name_space) const;
  void Remove(TimeDomain domain, size_t group, const std::string& key);
  // `first` is the earliest at or behind `from` then.
  void FindFirst(TimeDomain domain, size_t group, const std::string& from);
  void SetFirst(TimeDomain domain, size_t group, std::string first);
  // The next timers of RocksDB.
  void Load(TimeDomain domain, size_t group);
  // A new one, which is charged; takes the hold over.
  Version*& Add(Group& group, std::string key, Version* version);
  void EvictGroup(StateTier& tier, Group& group);

  const KeyGroupRange range_;
  StateTier& tier_;
  const HeapCurrentKey& current_;
  std::array<std::vector<Group>, 2> groups_;
  std::array<Heads, 2> heads_;
  std::vector<int64_t> watermarks_;
  int64_t highest_watermark_;
};

}  // namespace weir

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/time/clock.h"
#include "state/keyed/heap_table.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/tiered/cell_index.h"
#include "state/tiered/map_index.h"
#include "state/tiered/state_tier.h"
#include "state/tiered/tier_expiry.h"
#include "state/tiered/tier_files.h"
#include "state/tiered/tier_restore.h"
#include "state/tiered/tier_table.h"
#include "state/tiered/tier_timers.h"

namespace weir {

struct TieredStateOptions {
  /// Of this backend alone, and of this attempt: increments of an earlier one have their files in
  /// its directory. Made when it is not there; what is in it is removed.
  std::string directory;
  /// Names no other backend of this job, in no attempt: file names of increments begin with it.
  std::string instance;
  size_t memory_bytes = 256u << 20;  // of decoded entries
  /// RocksDB is brought up to date when so much has changed (at most a quarter of memory_bytes), or
  /// so long after the last time.
  size_t materialise_bytes = 64u << 20;
  absl::Duration materialise_interval = absl::Seconds(10);
  size_t block_cache_bytes = 8u << 20;
  size_t write_buffer_bytes = 4u << 20;
  bool prefetch = true;         // false: to measure what it brings
  rocksdb::Env* env = nullptr;  // of tests
};

/// Keyed state behind RocksDB: hot entries decoded in memory, bounded by bytes, all the rest in
/// files. Increments cost what has changed. Page: docs/protocols/state-tier.md.
///
/// Threads, errors: as KeyedStateBackend. Disk and damage show as status() of the task's calls,
/// with operator and directory, or fail the one checkpoint that met them. Lifetime: borrows clock
/// and pool. Waits, when it goes, for the materialisation that runs.
class TieredKeyedStateBackend final : public KeyedStateBackend {
 public:
  /// UNAVAILABLE, RESOURCE_EXHAUSTED: the directory cannot be made.
  static absl::StatusOr<std::unique_ptr<TieredKeyedStateBackend>> Open(Options options,
                                                                       TieredStateOptions tiered,
                                                                       const Clock& clock,
                                                                       BlockingPool& pool);
  ~TieredKeyedStateBackend() override;

  void SetCurrentKey(const KeyRef& key) override { current_.Set(key); }
  void ClearCurrentKey() override { current_.Clear(); }
  KeyRef current_key() const override;
  void BeginBatch() override;
  bool prefetches() const override { return prefetched_batches_ > 0 || larger_than_caches_; }
  void Prefetch(absl::Span<const KeyRef> keys) override;
  KeyedTimers& timers() override { return timers_; }
  const absl::Status& status() const override { return tier_.status(); }
  void ForEachKey(absl::string_view state,
                  absl::FunctionRef<void(uint32_t group, absl::string_view key)> visit) override;

  absl::StatusOr<std::unique_ptr<FrozenState>> Freeze() override;
  absl::Status Restore(absl::Span<const absl::string_view> snapshots) override;
  absl::Status RestoreIncrements(absl::Span<const KeyedStateIncrement> increments) override;
  void CleanUpExpired(size_t entries) override;
  size_t num_entries() const override;

  const TierCounters& counters() { return tier_.counters(); }
  /// Of versions, those of layers included.
  size_t memory_bytes() { return tier_.account().bytes(); }

 private:
  /// A registered state: the one of the two tables that fits its kind.
  struct State {
    StateDefinition definition;
    CellTable* cell_table = nullptr;
    MapTable* map_table = nullptr;
    std::unique_ptr<TierTable> table;
  };
  /// In memory of one state, asked for or not, by its id.
  struct Index {
    std::unique_ptr<CellIndex> cells;
    std::unique_ptr<MapIndex> maps;
    TierIndex& any() { return cells != nullptr ? static_cast<TierIndex&>(*cells) : *maps; }
  };

  TieredKeyedStateBackend(Options options, const TieredStateOptions& tiered, const Clock& clock,
                          BlockingPool& pool);

  CellTable* RegisterCells(const StateDefinition& definition) override;
  MapTable* RegisterMap(const StateDefinition& definition) override;
  // Null, with a status, when it cannot be had.
  State* Register(const StateDefinition& definition);
  void MakeTable(State& state, uint32_t id);
  Index& IndexOf(const TierState& state);
  void SetStates(TierStates states);
  // As CleanUpExpired on one state; what is left of `entries`, 0: it has not come to the end.
  size_t Expire(TierTable& table, size_t entries);
  absl::Status Take(absl::StatusOr<RestoredTier> restored);
  void TakeChanges(const RestoredTier& restored);
  absl::Status Annotated(const absl::Status& status) const;

  const Options options_;
  const size_t restored_bytes_;  // in memory after a restore
  const bool prefetch_;
  const Clock& clock_;
  const std::shared_ptr<TierExpiry> expiry_ = std::make_shared<TierExpiry>();
  const std::shared_ptr<std::atomic<int>> unwritten_ = std::make_shared<std::atomic<int>>(0);
  int64_t now_micros_ = 0;
  // From RocksDB, as of the last batch; and for how many more batches it is counted with.
  uint64_t reads_ = 0;
  int prefetched_batches_ = 0;
  bool larger_than_caches_ = false;
  HeapCurrentKey current_;
  TierFiles files_;
  StateTier tier_;
  TierTimers timers_;
  std::map<uint32_t, Index> indexes_;
  std::map<std::string, State> states_;
  std::string next_cleaned_;  // the state where CleanUpExpired goes on
};

}  // namespace weir

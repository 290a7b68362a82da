#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/time/clock.h"
#include "state/keyed/heap_frozen_state.h"
#include "state/keyed/heap_keyed_timers.h"
#include "state/keyed/heap_table.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/keyed/snapshot_format.h"

namespace weir {

/// All keyed state decoded in memory: the reference that other backends are compared with.
///
/// Each state has a hash table per key group. Freeze shares the tables with the FrozenState and
/// copies nothing; a group is copied when it is first changed while a FrozenState still needs it.
///
/// Threads, errors: as KeyedStateBackend. Lifetime: borrows `clock`.
class HeapKeyedStateBackend : public KeyedStateBackend {
 public:
  HeapKeyedStateBackend(Options options, const Clock& clock);
  ~HeapKeyedStateBackend() override;

  void SetCurrentKey(const KeyRef& key) override { current_.Set(key); }
  void ClearCurrentKey() override { current_.Clear(); }
  KeyRef current_key() const override;
  void BeginBatch() override;
  KeyedTimers& timers() override { return timers_; }
  const absl::Status& status() const override { return status_; }
  void ForEachKey(absl::string_view state,
                  absl::FunctionRef<void(uint32_t group, absl::string_view key)> visit) override;

  /// Nothing has to be read from a disk, but much of it waits for memory.
  bool prefetches() const override { return prefetches_; }
  void Prefetch(absl::Span<const KeyRef> keys) override;
  absl::StatusOr<std::unique_ptr<FrozenState>> Freeze() override;
  absl::Status Restore(absl::Span<const absl::string_view> snapshots) override;
  absl::Status RestoreIncrements(absl::Span<const KeyedStateIncrement> increments) override;
  void CleanUpExpired(size_t entries) override;
  size_t num_entries() const override;

 private:
  /// One registered state: its cells, and the one of the two faces that fits its kind.
  struct State {
    std::unique_ptr<HeapTable> cells;
    std::unique_ptr<CellTable> cell_table;
    std::unique_ptr<MapTable> map_table;

    const StateDefinition& definition() const {
      return cell_table != nullptr ? cell_table->definition() : map_table->definition();
    }
  };
  class SectionReader;

  CellTable* RegisterCells(const StateDefinition& definition) override;
  MapTable* RegisterMap(const StateDefinition& definition) override;
  // Null, with status_, when it cannot be had.
  State* Register(const StateDefinition& definition);
  bool LargerThanCaches() const;
  State MakeState(const StateDefinition& definition) const;
  absl::Status TakeUnclaimed(State& state);
  absl::Status RestoreEntry(State& state, const SnapshotState& written, SchemaCompatibility schemas,
                            size_t group_index, const SnapshotEntry& entry);
  absl::Status RestoreSnapshot(const SnapshotHeader& header, absl::string_view snapshot);
  UnclaimedState& UnclaimedOf(const SnapshotState& info);
  absl::Status Annotated(const absl::Status& status) const;

  const Options options_;
  const Clock& clock_;
  int64_t now_micros_ = 0;
  bool prefetches_ = false;
  int batches_to_size_ = 0;  // then it is looked at again how much there is
  HeapCurrentKey current_;
  HeapKeyedTimers timers_;
  std::map<std::string, State> states_;
  std::vector<std::shared_ptr<UnclaimedState>> unclaimed_;
  std::string next_cleaned_;  // the state where CleanUpExpired goes on
  absl::Status status_;
};

}  // namespace weir

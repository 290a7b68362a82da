#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "state/keyed/heap_keyed_timers.h"
#include "state/keyed/heap_table.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/keyed/snapshot_format.h"

namespace weir {

/// A state of a restored snapshot that no one has registered: kept as it was written.
struct UnclaimedState {
  struct Entry {
    std::string key;
    std::string map_key;
    std::string value;
  };
  SnapshotState info;
  std::map<uint32_t, std::vector<Entry>> groups;  // in the order of the snapshot
};

/// What a HeapKeyedStateBackend held at a Freeze. Filled by it, then only read.
class HeapFrozenState final : public FrozenState {
 public:
  struct State {
    SnapshotState info;
    const CellType* entry_type = nullptr;  // of a cell, or of an entry of a map
    int64_t oldest_micros = INT64_MIN;     // what was written then or earlier has expired
    std::vector<HeapTable::Group::Reader> groups;
  };

  absl::StatusOr<std::string> Write() const override;
  /// The canonical snapshot as manifest.
  absl::StatusOr<KeyedStateIncrement> WriteIncrement() const override;

  uint32_t max_parallelism = 0;
  KeyGroupRange range;
  StateSchema key_schema;
  std::vector<State> states;
  std::vector<std::shared_ptr<const UnclaimedState>> unclaimed;
  std::array<std::vector<CopyOnFreeze<HeapTimerSet>::Reader>, 2> timers;
  std::vector<int64_t> watermarks_micros;

 private:
  // Empty: the group has nothing.
  std::string WriteGroup(size_t index) const;
};

}  // namespace weir

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "common/types/key_group.h"
#include "state/api/state_schema.h"
#include "state/keyed/snapshot_format.h"
#include "state/rocksdb/rocks_store.h"
#include "state/tiered/layer_rows.h"

namespace weir {

/// Makes the canonical snapshot (docs/formats/keyed-state-snapshot.md) of layers on top of a store:
/// group by group, the two merged in the order of their keys.
///
/// Threads: one. Lifetime: borrows everything. Errors: those of the store; DATA_LOSS for what
/// cannot be decoded.
class CanonicalWriter {
 public:
  struct Keying {
    uint32_t max_parallelism = 0;
    KeyGroupRange range;
    StateSchema key_schema;
    int64_t now_micros = 0;                  // what has expired then is left out
    std::vector<int64_t> watermarks_micros;  // by place in the range
  };

  /// `store`: null when there is nothing below the layers.
  CanonicalWriter(Keying keying, const TierStates& states, absl::Span<const LayerPtr> layers,
                  const RocksStore* store);
  absl::StatusOr<std::string> Write();

 private:
  /// One state of the header; of states that nobody asked for, one for each format.
  struct Section {
    const TierState* state = nullptr;
    size_t format = 0;
    bool decoded = false;  // registered: all formats are in it, as the newest
  };
  struct Entry {
    std::string key;
    std::string map_key;
    std::string value;
  };
  struct Group {
    std::vector<std::vector<Entry>> entries;  // by section
    std::vector<std::string> timers[2];       // keys, by domain
    bool empty = true;
  };

  void MakeSections();
  absl::StatusOr<std::string> WriteGroup(uint32_t group);
  // visit(key, value) for what layers and store have of a group, newest only, by the keys.
  template <class F>
  absl::Status ForEachNewest(RocksFamily family, uint32_t group, F visit);
  absl::Status AddEntry(absl::string_view key, absl::string_view value, Group* group);
  absl::StatusOr<size_t> SectionOf(const TierState& state, size_t format) const;
  // False: it has expired.
  absl::StatusOr<bool> Recode(const TierState& state, absl::string_view value, std::string* out);

  const Keying keying_;
  const TierStates& states_;
  const RocksStore* const store_;
  const LayerRows rows_[kRocksFamilies];
  LayerRows::Iterator next_row_[kRocksFamilies];
  std::vector<Section> sections_;
};

}  // namespace weir

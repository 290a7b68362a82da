#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "state/keyed/keyed_state_backend.h"
#include "state/keyed/snapshot_format.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/tier_files.h"
#include "state/tiered/tier_loader.h"
#include "state/tiered/tier_manifest.h"
#include "state/tiered/tier_states.h"

namespace weir {

/// What a restored tier begins with.
struct RestoredTier {
  TierStates states;
  std::vector<int64_t> watermarks_micros;  // by place in the range
  std::shared_ptr<RocksStore> store;       // null: all is in `changes`
  std::shared_ptr<const TierBase> base;
  std::vector<TierChange> changes;  // newer than the store
};

/// Takes the key groups of a range out of checkpoints, of either form. Used once.
///
/// Threads: one. Lifetime: borrows options and files. Errors: as KeyedStateBackend::Restore.
class TierRestore {
 public:
  /// `memory_bytes`: of what need not go to RocksDB.
  TierRestore(const KeyedStateBackend::Options& options, TierFiles& files, size_t memory_bytes,
              int64_t now_micros);

  absl::StatusOr<RestoredTier> Canonical(absl::Span<const absl::string_view> snapshots);
  absl::StatusOr<RestoredTier> Increments(absl::Span<const KeyedStateIncrement> increments);

 private:
  class SectionReader;

  absl::Status LoadSnapshot(const SnapshotHeader& header, absl::string_view snapshot);
  absl::Status LoadIncrement(const TierManifest& manifest, const KeyedStateIncrement& increment,
                             bool alone);
  absl::Status CopyBase(const TierManifest& manifest, const KeyedStateIncrement& increment,
                        const TierRenumbering& renumbering);
  absl::Status LoadLogs(const TierManifest& manifest, const KeyedStateIncrement& increment,
                        const TierRenumbering& renumbering);
  // Of a base or a log; those of other groups are left out.
  absl::Status AddChange(const TierRenumbering& renumbering, const DirtyEntry& entry);
  // Of an own group, renumbered.
  absl::Status CheckKey(RocksFamily family, StoreChange kind, absl::string_view key) const;
  absl::StatusOr<RestoredTier> Finish();
  KeyGroupRange OwnGroups(KeyGroupRange range) const;

  const KeyedStateBackend::Options& options_;
  TierFiles& files_;
  const int64_t now_micros_;
  TierLoader loader_;
  bool linked_ = false;
  RestoredTier restored_;
};

}  // namespace weir

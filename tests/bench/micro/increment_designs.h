#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/keyed/keyed_state_increment.h"
#include "state/tiered/layer.h"
#include "state/tiered/tier_files.h"
#include "tests/bench/micro/changing_state.h"

namespace weir {

/// One way of making a checkpoint's increment of what a ChangingState has changed since the last
/// one. All of them make increments that TieredKeyedStateBackend restores.
///
/// Threads: one; beside it the pool's and RocksDB's. Lifetime: borrows state and pool. Increments
/// may outlive it.
class IncrementDesign {
 public:
  /// "log": what the state tier does. The changes are a dirty log; RocksDB is materialised by bytes
  /// or seconds. "batch": the changes go into RocksDB's memtable by write batches without its WAL,
  /// which is flushed at each barrier. "table": they become a sorted table that RocksDB ingests.
  /// Null: there is no other.
  static std::unique_ptr<IncrementDesign> Make(absl::string_view name, const std::string& directory,
                                               ChangingState& state, BlockingPool& pool);
  virtual ~IncrementDesign() = default;
  IncrementDesign(const IncrementDesign&) = delete;
  IncrementDesign& operator=(const IncrementDesign&) = delete;

  /// Before all others: everything there is into RocksDB, as one table.
  absl::StatusOr<KeyedStateIncrement> Load();
  /// A barrier: returns when the increment is on the local disk.
  virtual absl::StatusOr<KeyedStateIncrement> Write() = 0;
  /// For what is due between barriers.
  virtual absl::Status Tick(absl::Duration now) = 0;
  /// Something goes on in the background: flushes, compactions, materialisations.
  virtual bool busy();

  static KeyedStateBackend::Options BackendOptions();

 protected:
  IncrementDesign(const std::string& directory, size_t write_buffer_bytes, ChangingState& state,
                  BlockingPool& pool);
  /// Of the base, and of the layers since.
  absl::StatusOr<KeyedStateIncrement> MakeIncrement(std::vector<LayerPtr> layers);
  /// Into RocksDB as a sorted table; this is the base then.
  absl::Status Materialise(LayerPtr layer);

  ChangingState& state_;
  BlockingPool& pool_;
  TierFiles files_;
  std::shared_ptr<const TierBase> base_;
};

}  // namespace weir

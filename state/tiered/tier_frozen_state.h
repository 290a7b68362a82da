#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/types/key_group.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/tiered/layer.h"
#include "state/tiered/tier_files.h"

namespace weir {

/// What a TieredKeyedStateBackend held at a Freeze: its base and the layers since. Filled by it,
/// then only read. As FrozenState; an increment's files are there as long as the increment.
class TierFrozenState final : public FrozenState {
 public:
  /// `unwritten`: counts this one until it was written, or is gone.
  explicit TierFrozenState(std::shared_ptr<std::atomic<int>> unwritten);
  ~TierFrozenState() override { Written(); }

  absl::StatusOr<std::string> Write() const override;
  absl::StatusOr<KeyedStateIncrement> WriteIncrement() const override;

  std::string operator_name;
  uint32_t max_parallelism = 0;
  KeyGroupRange range;
  StateSchema key_schema;
  int64_t now_micros = 0;
  std::vector<int64_t> watermarks_micros;
  std::shared_ptr<const TierStates> states;
  std::shared_ptr<const TierBase> base;  // null: RocksDB has nothing
  std::vector<LayerPtr> layers;          // oldest first
  RocksOptions rocks;                    // to read the base with
  std::string log_folder;
  std::string instance;

 private:
  absl::StatusOr<KeyedStateIncrement> MakeIncrement() const;
  void Written() const;
  absl::Status Annotated(const absl::Status& status) const;

  const std::shared_ptr<std::atomic<int>> unwritten_;
  mutable std::atomic<bool> counted_{true};
};

}  // namespace weir

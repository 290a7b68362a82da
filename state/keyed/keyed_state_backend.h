#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "common/types/key_group.h"
#include "state/api/keyed_state_store.h"
#include "state/api/state_schema.h"
#include "state/keyed/keyed_state_increment.h"

namespace weir {

/// The keyed state of one operator as it was at Freeze, still to be written.
///
/// Threads: const; any one thread, beside the task that goes on.
/// Lifetime: independent of the backend. Memory and files that it shares with it are free when it
/// is gone.
class FrozenState {
 public:
  virtual ~FrozenState() = default;
  /// The canonical snapshot, which every backend restores: docs/formats/keyed-state-snapshot.md.
  virtual absl::StatusOr<std::string> Write() const = 0;
  /// The same state in the backend's own form, which refers to what earlier ones have written.
  virtual absl::StatusOr<KeyedStateIncrement> WriteIncrement() const = 0;
};

/// Keeps the keyed state of one operator in one subtask: what the operator uses (KeyedStateStore),
/// and snapshots of it.
///
/// Life cycle: Restore at most once, before the first key; then KeyedStateStore, with Freeze in
/// between. States may be registered before Restore and after; those that nobody asks for stay
/// encoded and go on into the next snapshots.
/// Threads: the task's thread, but for FrozenState::Write.
class KeyedStateBackend : public KeyedStateStore {
 public:
  struct Options {
    std::string operator_name;  // for errors
    StateSchema key_schema;     // StateCodec<K>::Schema()
    uint32_t max_parallelism = kDefaultMaxParallelism;
    KeyGroupRange range;
    /// The group that a key must be in, to find damage at a restore; nothing for bytes that are no
    /// key. None: KeyGroupOf.
    std::function<std::optional<uint32_t>(absl::string_view key)> group_of_key = {};
  };

  /// The only synchronous part of a snapshot. UNAVAILABLE: the backend has too many unwritten ones,
  /// and this checkpoint is to be declined; nothing has changed.
  virtual absl::StatusOr<std::unique_ptr<FrozenState>> Freeze() = 0;

  /// Takes the groups of its range out of the snapshots of all subtasks of a checkpoint (or those
  /// that have any of them). No snapshots: an empty state.
  /// DATA_LOSS: one is damaged. FAILED_PRECONDITION: another max_parallelism, other keys, a newer
  /// format, a group of the range is in none or in two. INVALID_ARGUMENT: a state has a type that
  /// cannot be read as the registered one. The backend must not be used after an error.
  virtual absl::Status Restore(absl::Span<const absl::string_view> snapshots) = 0;
  /// The same for increments, all of one kind. FAILED_PRECONDITION also for those of a backend of
  /// another kind; UNAVAILABLE, RESOURCE_EXHAUSTED: the local disk.
  virtual absl::Status RestoreIncrements(absl::Span<const KeyedStateIncrement> increments) = 0;

  /// Removes what has expired among the next `entries` entries of states with a TTL, round and
  /// round. For every batch, or when there is nothing else to do.
  virtual void CleanUpExpired(size_t entries) = 0;
  /// Of all states: keys, and entries of maps. Backends with files read them for it.
  virtual size_t num_entries() const = 0;
};

}  // namespace weir

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "state/api/cell_type.h"
#include "state/api/state_schema.h"
#include "state/api/state_table.h"
#include "state/keyed/snapshot_format.h"

namespace weir {

/// How some values of a state were written; each says by the number which of the state's formats it
/// has. A changed schema is a new format: older values stay as they are until they are changed.
struct TierFormat {
  bool stamped = false;
  /// In place of the times of writes, for a state that got a TTL later, or again. kNoStamp: stamped
  /// values have times of their own, others have none yet. kNewStamp: of stamped ones, the same as
  /// none, since the state has been without a TTL.
  int64_t stamp_micros = kNoStamp;
  StateSchema schema;
  StateSchema map_key_schema;  // of maps

  /// Values say when they were written.
  bool has_times() const { return stamped && stamp_micros == kNoStamp; }
  bool operator==(const TierFormat&) const = default;
};

/// Values of this format, of a state of this kind, are elements with their count, so that one may
/// be in parts, which stand one behind the other: lists, and vectors in maps. With a TTL the latter
/// have one time for all elements, and are in one part.
inline bool InParts(StateKind kind, const TierFormat& format) {
  if (kind == StateKind::kList) return true;
  return kind == StateKind::kMap && format.schema.kind == StateSchema::Kind::kList &&
         !format.stamped;
}

/// One state of a tier.
struct TierState {
  uint32_t id = 0;  // in keys
  std::string name;
  StateKind kind = StateKind::kValue;
  std::vector<TierFormat> formats;  // a format's number is its place

  // Of registered ones.
  const CellType* cell_type = nullptr;
  bool (*is_map_key)(absl::string_view bytes) = nullptr;
  int64_t ttl_micros = 0;  // 0: for ever
  uint32_t format = 0;     // new values have it

  bool registered() const { return cell_type != nullptr; }
  bool stamped() const { return ttl_micros > 0; }
  /// What was written then or earlier has expired.
  int64_t OldestMicros(int64_t now_micros) const;
  /// What a canonical snapshot says about values of a format.
  SnapshotState Describe(size_t format_number) const;
  /// Appends the number of the format, and the cell.
  void Encode(const void* cell, std::string* out) const;
  /// Into a cell just constructed, from any format. Of values in parts: behind the elements that
  /// the cell has. False: these bytes are none of it.
  bool Decode(absl::string_view value, void* cell) const;
  /// What is added to a value may be kept without the rest of it. Not when elements of other
  /// formats may be there: a value never has parts of different formats.
  bool takes_appends() const { return formats.size() == 1 && InParts(kind, formats[0]); }
};

/// How the states of a snapshot are called here.
struct TierRenumbering {
  struct State {
    uint32_t from = 0;
    uint32_t to = 0;
    std::vector<uint32_t> formats;  // by the snapshot's number
    StateKind kind = StateKind::kValue;
    std::vector<TierFormat> own_formats;  // the snapshot's

    bool same_formats() const;
    // The value's formats become as they are here.
    bool RenumberValue(std::string* value) const;
    bool RenumberParts(std::string* value) const;
  };
  std::vector<State> states;

  const State* Find(uint32_t from) const;
  /// Nothing changes.
  bool identity() const;
  /// Key and value (null: none) of RocksFamily::kState become as they are here; false when they are
  /// none of the snapshot's.
  bool Apply(std::string* key, std::string* value) const;
};

/// All states that a tier knows: those that were asked for, and those of restored checkpoints.
/// Threads: a plain value; shared ones are not changed any more.
class TierStates {
 public:
  const std::vector<TierState>& all() const { return states_; }
  /// Null when there is none.
  const TierState* Find(uint32_t id) const;
  const TierState* FindRegistered(absl::string_view name) const;
  /// INVALID_ARGUMENT, with the state's name: files cannot hold a value of so many bytes.
  absl::Status CheckSize(absl::string_view tier_key, size_t value_bytes) const;

  /// INVALID_ARGUMENT: what is there under the name cannot be read as this.
  absl::StatusOr<uint32_t> Register(const StateDefinition& definition, int64_t now_micros);
  /// Takes the states of a snapshot over, with their ids when these are free. INVALID_ARGUMENT: as
  /// Register; RESOURCE_EXHAUSTED: too many states.
  absl::StatusOr<TierRenumbering> Adopt(const std::vector<TierState>& states, int64_t now_micros);

 private:
  absl::StatusOr<uint32_t> FreeId(uint32_t wanted) const;
  TierState* FindMutable(absl::string_view name, StateKind kind);

  std::vector<TierState> states_;
};

/// The format of values of this definition.
TierFormat FormatOf(const StateDefinition& definition);

}  // namespace weir

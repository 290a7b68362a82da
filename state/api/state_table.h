#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "state/api/cell_type.h"
#include "state/api/key_ref.h"
#include "state/api/state_schema.h"
#include "state/api/state_ttl.h"

/// What the handles of state stand on, and a backend implements: tables of cells under the current
/// key. Job authors use the handles.
namespace weir {

/// The numbers are on disk.
enum class StateKind : uint8_t {
  kValue = 1,
  kList = 2,
  kMap = 3,
  kReducing = 4,
  kAggregating = 5,
};

/// Everything a backend is told about a state.
struct StateDefinition {
  std::string name;
  StateKind kind = StateKind::kValue;
  StateSchema schema;                   // of a value, an element, an accumulator
  StateSchema map_key_schema;           // of a map
  const CellType* cell_type = nullptr;  // of a value, of all elements, of one entry of a map
  bool (*is_map_key)(absl::string_view bytes) = nullptr;  // of a map: are these bytes a key of it?
  StateTtl ttl;

  bool has_ttl() const { return ttl.duration.count() > 0; }
};

/// What is there of the one or the other kind of table.
///
/// Threads: the task's thread.
/// Lifetime: owned by the backend. A cell is valid until the next call to any of the backend's
/// tables, timers or SetCurrentKey.
/// Errors: none come back from here. A backend that cannot read or write keeps the error for
/// KeyedStateStore::status() and behaves as if nothing were there, also where something was found
/// by the call before. Without a current key: the
/// process ends, with the state's name.
class StateTable {
 public:
  StateTable(const StateDefinition& definition, const int64_t& now_micros)
      : definition_(definition), now_micros_(now_micros) {}
  virtual ~StateTable() = default;
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;

  const StateDefinition& definition() const { return definition_; }
  /// The processing time that TTLs are judged by.
  int64_t now_micros() const { return now_micros_; }
  /// Removes all that there is under the current key.
  virtual void Clear() = 0;

 private:
  const StateDefinition definition_;
  const int64_t& now_micros_;
};

/// One cell for each key.
class CellTable : public StateTable {
 public:
  using StateTable::StateTable;
  /// Null when there is none. Expired cells are found, too: the handles know what has expired.
  virtual const void* Find() = 0;
  /// The same, to be changed.
  virtual void* FindToChange() = 0;
  /// A new cell, as CellType::Construct makes it, when there is none.
  virtual void* FindOrCreate() = 0;
  /// Of lists: a cell to whose end elements are added, without a look at those that are there. It
  /// may have all of them, some, or none, and what was added to it is behind all of them.
  virtual void* FindToAppend() { return FindOrCreate(); }
};

/// Any number of cells for each key, each under a key of its own, in the order of these.
class MapTable : public StateTable {
 public:
  using StateTable::StateTable;
  using Visitor = absl::FunctionRef<bool(absl::string_view map_key, const void* cell)>;
  virtual const void* Find(absl::string_view map_key) = 0;
  virtual void* FindToChange(absl::string_view map_key) = 0;
  virtual void* FindOrCreate(absl::string_view map_key) = 0;
  /// As that of lists, of values that are vectors. *known: there is an entry already. Where it is
  /// not known a new cell may be of one that there is.
  virtual void* FindToAppend(absl::string_view map_key, bool* known) {
    *known = false;
    return FindOrCreate(map_key);
  }
  virtual void Remove(absl::string_view map_key) = 0;
  /// Until the visitor says false. It must not change this table.
  virtual void ForEach(Visitor visit) = 0;
  /// The same, of those whose keys are not below `from`.
  virtual void ForEachFrom(absl::string_view from, Visitor visit) {
    ForEach([&](absl::string_view map_key, const void* cell) {
      return map_key < from || visit(map_key, cell);
    });
  }
  /// As KeyedStateStore::Prefetch, of these entries.
  virtual void Prefetch(absl::Span<const MapEntryRef> entries) = 0;
  /// The same for FindToAppend.
  virtual void PrefetchToAppend(absl::Span<const MapEntryRef> entries) { Prefetch(entries); }
};

}  // namespace weir

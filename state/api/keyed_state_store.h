#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "state/api/aggregating_state.h"
#include "state/api/key_ref.h"
#include "state/api/keyed_timers.h"
#include "state/api/list_state.h"
#include "state/api/map_state.h"
#include "state/api/reducing_state.h"
#include "state/api/state_descriptors.h"
#include "state/api/state_table.h"
#include "state/api/value_state.h"

namespace weir {

/// What an operator sees of its keyed state: its states by descriptor, the current key, timers.
/// Backends implement it (state/keyed/keyed_state_backend.h). Page: docs/protocols/keyed-state.md.
///
/// Life cycle: Get...State for every state, best before the first row; then for each batch
/// BeginBatch, and for each row SetCurrentKey and the handles; before some rows Prefetch with the
/// keys of the next ones, where prefetches() says so.
/// Threads: the task's thread.
/// Lifetime: handles, tables and timers belong to the store and must not outlive it.
/// Errors: Get...State of a name that has another type, here or in the checkpoint that was
/// restored, gives a handle that must not be used; status() says why. The owner asks status() after
/// Open and after each batch, and fails the task with it.
class KeyedStateStore {
 public:
  virtual ~KeyedStateStore() = default;

  template <class T>
  ValueState<T> GetState(const ValueStateDescriptor<T>& descriptor) {
    return ValueState<T>(
        RegisterCells(internal::DefineState<T, ValueCell<T>>(StateKind::kValue, descriptor)));
  }
  template <class T>
  ListState<T> GetListState(const ListStateDescriptor<T>& descriptor) {
    return ListState<T>(
        RegisterCells(internal::DefineState<T, ListCell<T>>(StateKind::kList, descriptor)));
  }
  template <class K, class V>
  MapState<K, V> GetMapState(const MapStateDescriptor<K, V>& descriptor) {
    StateDefinition definition =
        internal::DefineState<V, ValueCell<V>>(StateKind::kMap, descriptor);
    definition.map_key_schema = StateCodec<K>::Schema();
    definition.is_map_key = [](absl::string_view bytes) { return DecodeKey<K>(bytes).ok(); };
    return MapState<K, V>(RegisterMap(definition));
  }
  template <class T>
  ReducingState<T> GetReducingState(const ReducingStateDescriptor<T>& descriptor) {
    return ReducingState<T>(
        RegisterCells(internal::DefineState<T, ValueCell<T>>(StateKind::kReducing, descriptor)),
        descriptor.reduce);
  }
  template <class In, class Acc, class Out>
  AggregatingState<In, Acc, Out> GetAggregatingState(
      const AggregatingStateDescriptor<In, Acc, Out>& descriptor) {
    return AggregatingState<In, Acc, Out>(RegisterCells(internal::DefineState<Acc, ValueCell<Acc>>(
                                              StateKind::kAggregating, descriptor)),
                                          descriptor.function);
  }

  /// The handles and timers act on this key from now on. The bytes are copied. A group that is not
  /// the backend's is a bug (checked).
  virtual void SetCurrentKey(const KeyRef& key) = 0;
  /// From now on there is no current key.
  virtual void ClearCurrentKey() = 0;
  /// A bug when there is none (checked). Valid until the next change.
  virtual KeyRef current_key() const = 0;

  /// Reads the clock, for TTLs. Before each batch, and before due timers are worked off.
  virtual void BeginBatch() = 0;
  /// Whether it is worth while to call Prefetch, and that of maps: something may have to be read
  /// from a disk, or from memory that no cache holds. Asked once for each batch, behind BeginBatch.
  virtual bool prefetches() const = 0;
  /// What these keys have in states that are no maps is fetched at once, where it is not in memory.
  /// Behind BeginBatch, with keys of rows that come next; only costs change by it. Keys of other
  /// subtasks are a bug.
  virtual void Prefetch(absl::Span<const KeyRef> keys) = 0;
  virtual KeyedTimers& timers() = 0;
  /// The first thing that went wrong.
  virtual const absl::Status& status() const = 0;

  /// Every key that has something in this state, in no particular order; also what has expired and
  /// was not met. The visitor must not touch state.
  virtual void ForEachKey(absl::string_view state,
                          absl::FunctionRef<void(uint32_t group, absl::string_view key)> visit) = 0;

 private:
  /// The table of this state, made when there is none; null, with status(), when it cannot be.
  virtual CellTable* RegisterCells(const StateDefinition& definition) = 0;
  virtual MapTable* RegisterMap(const StateDefinition& definition) = 0;
};

}  // namespace weir

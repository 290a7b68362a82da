#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/types/key_codec.h"
#include "state/api/broadcast_state.h"
#include "state/api/list_elements.h"
#include "state/api/list_state.h"
#include "state/api/state_descriptors.h"
#include "state/api/state_table.h"

namespace weir {

/// Who gets what of an operator state at a restore. The numbers are on disk.
enum class OperatorStateMode : uint8_t {
  kList = 1,       // dealt out
  kUnionList = 2,  // all to everyone
  kBroadcast = 3,  // the map of one
};

/// Everything a backend is told about an operator state.
struct OperatorStateDefinition {
  OperatorStateMode mode = OperatorStateMode::kList;
  StateDefinition state;                   // of kind kList or kMap
  const ListElements* elements = nullptr;  // of a list
};

/// The state of an operator's subtask that belongs to no key (Flink's OperatorStateStore): its
/// elements are as they are when a barrier passes in the checkpoint, with no call for it, and are
/// dealt out anew when the parallelism is another. Page: docs/protocols/operator-state.md.
///
/// A name stands for one state of the operator, of one kind and type; asked for again, it is the
/// same. Best asked for in Open. What the checkpoint has and nobody asks for is kept.
/// Threads: the task's thread.
/// Lifetime: states belong to the store and must not outlive it; it lives as long as the function.
/// Errors: what cannot be had, since its type or kind is another than before, or is asked for with
/// two types, or with a TTL, is empty and kept nowhere; status() says why. The operator fails with
/// it behind the call of the function, whatever its error policy.
class OperatorStateStore {
 public:
  virtual ~OperatorStateStore() = default;

  /// A list of this subtask's. At another parallelism all subtasks' elements are dealt out evenly.
  template <class T>
  ListState<T> GetListState(const ListStateDescriptor<T>& descriptor) {
    return ListState<T>(RegisterList(DefineList(OperatorStateMode::kList, descriptor)));
  }
  /// After a restore each subtask has the elements of all of them, and keeps what it shall have:
  /// what is there at the next barrier is, of every subtask, in the checkpoint.
  template <class T>
  ListState<T> GetUnionListState(const ListStateDescriptor<T>& descriptor) {
    return ListState<T>(RegisterList(DefineList(OperatorStateMode::kUnionList, descriptor)));
  }
  /// A map that every subtask keeps. Each finds its own again; a subtask that is new, one of
  /// another's.
  template <class K, class V>
  BroadcastState<K, V> GetBroadcastState(const MapStateDescriptor<K, V>& descriptor) {
    OperatorStateDefinition definition;
    definition.mode = OperatorStateMode::kBroadcast;
    definition.state = internal::DefineState<V, ValueCell<V>>(StateKind::kMap, descriptor);
    definition.state.map_key_schema = StateCodec<K>::Schema();
    definition.state.is_map_key = [](absl::string_view bytes) { return DecodeKey<K>(bytes).ok(); };
    return BroadcastState<K, V>(RegisterBroadcast(definition));
  }

  /// A checkpoint was restored that has operator state of this operator, of any subtask.
  virtual bool restored() const = 0;
  /// The first thing that went wrong.
  virtual const absl::Status& status() const = 0;

 private:
  template <class T>
  static OperatorStateDefinition DefineList(OperatorStateMode mode,
                                            const ListStateDescriptor<T>& descriptor) {
    return {mode, internal::DefineState<T, ListCell<T>>(StateKind::kList, descriptor),
            &ListElementsOf<T>()};
  }

  /// Never null.
  virtual CellTable* RegisterList(const OperatorStateDefinition& definition) = 0;
  virtual MapTable* RegisterBroadcast(const OperatorStateDefinition& definition) = 0;
};

}  // namespace weir

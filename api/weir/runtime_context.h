#pragma once

#include "state/api/keyed_state_store.h"
#include "weir/function_context.h"
#include "weir/lost_state.h"

namespace weir {

/// What a function may know about where it runs, and its states. Flink's RuntimeContext, of
/// functions on keyed streams.
///
/// Lifetime: the function's, from Open on.
/// Errors: a state that cannot be had, since its type is another than before, fails the task with a
/// sentence about the difference: behind the call of the function in which it was asked for, for
/// which what it gets is empty.
class RuntimeContext : public FunctionContext {
 public:
  RuntimeContext(KeyedStateStore& store, const OperatorContext& context)
      : FunctionContext(context), store_(store) {}

  /// States belong to the operator's uid and are found again by the descriptor's name.
  template <class T>
  ValueState<T> GetState(const ValueStateDescriptor<T>& descriptor) {
    ValueState<T> state = store_.GetState(descriptor);
    return Ok() ? state : ValueState<T>(Lost<T, ValueCell<T>>(descriptor));
  }
  template <class T>
  ListState<T> GetListState(const ListStateDescriptor<T>& descriptor) {
    ListState<T> state = store_.GetListState(descriptor);
    return Ok() ? state : ListState<T>(Lost<T, ListCell<T>>(descriptor));
  }
  template <class K, class V>
  MapState<K, V> GetMapState(const MapStateDescriptor<K, V>& descriptor) {
    MapState<K, V> state = store_.GetMapState(descriptor);
    if (Ok()) return state;
    return MapState<K, V>(
        lost_.Map(internal::DefineState<V, ValueCell<V>>(StateKind::kMap, descriptor)));
  }
  template <class T>
  ReducingState<T> GetReducingState(const ReducingStateDescriptor<T>& descriptor) {
    ReducingState<T> state = store_.GetReducingState(descriptor);
    if (Ok()) return state;
    return ReducingState<T>(Lost<T, ValueCell<T>>(descriptor), descriptor.reduce);
  }
  template <class In, class Acc, class Out>
  AggregatingState<In, Acc, Out> GetAggregatingState(
      const AggregatingStateDescriptor<In, Acc, Out>& descriptor) {
    AggregatingState<In, Acc, Out> state = store_.GetAggregatingState(descriptor);
    if (Ok()) return state;
    return AggregatingState<In, Acc, Out>(Lost<Acc, ValueCell<Acc>>(descriptor),
                                          descriptor.function);
  }

 private:
  template <class KeyOf, RowType In, RowType Out, class F>
  friend class KeyedProcessOperator;

  bool Ok() const { return store_.status().ok(); }
  template <class T, class Cell, class Descriptor>
  CellTable* Lost(const Descriptor& descriptor) {
    return lost_.Cells(internal::DefineState<T, Cell>(StateKind::kValue, descriptor));
  }

  KeyedStateStore& store_;
  internal::LostState lost_;
};

}  // namespace weir

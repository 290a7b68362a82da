#pragma once

#include <cstdint>

#include "state/api/keyed_state_store.h"

namespace weir {

/// What a function may know about where it runs (Flink's RuntimeContext, of functions on streams
/// without a key: those have no state).
class FunctionContext {
 public:
  FunctionContext(uint32_t subtask, uint32_t parallelism)
      : subtask_(subtask), parallelism_(parallelism) {}

  uint32_t SubtaskIndex() const { return subtask_; }
  uint32_t Parallelism() const { return parallelism_; }

  /// Does not compile: only functions on keyed streams have state.
  template <class Descriptor>
  int GetState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetListState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetMapState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetReducingState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetAggregatingState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }

 private:
  template <class Descriptor>
  static int NeedsKey() {
    static_assert(sizeof(Descriptor) == 0,
                  "state belongs to keys: call KeyBy before Process, and derive the function from "
                  "KeyedProcessFunction");
    return 0;
  }

  uint32_t subtask_;
  uint32_t parallelism_;
};

/// What a function may know about where it runs, and its states. Flink's RuntimeContext, of
/// functions on keyed streams.
/// Lifetime: that of the function's Open and after.
class RuntimeContext : public FunctionContext {
 public:
  RuntimeContext(KeyedStateStore& store, uint32_t subtask, uint32_t parallelism)
      : FunctionContext(subtask, parallelism), store_(store) {}

  /// States belong to the operator's uid and are found again by the descriptor's name.
  template <class T>
  ValueState<T> GetState(const ValueStateDescriptor<T>& descriptor) {
    return store_.GetState(descriptor);
  }
  template <class T>
  ListState<T> GetListState(const ListStateDescriptor<T>& descriptor) {
    return store_.GetListState(descriptor);
  }
  template <class K, class V>
  MapState<K, V> GetMapState(const MapStateDescriptor<K, V>& descriptor) {
    return store_.GetMapState(descriptor);
  }
  template <class T>
  ReducingState<T> GetReducingState(const ReducingStateDescriptor<T>& descriptor) {
    return store_.GetReducingState(descriptor);
  }
  template <class In, class Acc, class Out>
  AggregatingState<In, Acc, Out> GetAggregatingState(
      const AggregatingStateDescriptor<In, Acc, Out>& descriptor) {
    return store_.GetAggregatingState(descriptor);
  }

 private:
  KeyedStateStore& store_;
};

}  // namespace weir

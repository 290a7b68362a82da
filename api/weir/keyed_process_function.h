#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/types/record.h"
#include "state/api/keyed_state_store.h"
#include "weir/stream_functions.h"

namespace weir {

/// What a function may know about where it runs, and its states. Flink's RuntimeContext.
/// Lifetime: that of the function's Open and after.
class RuntimeContext {
 public:
  RuntimeContext(KeyedStateStore& store, uint32_t subtask, uint32_t parallelism)
      : store_(store), subtask_(subtask), parallelism_(parallelism) {}

  uint32_t SubtaskIndex() const { return subtask_; }
  uint32_t Parallelism() const { return parallelism_; }

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
  uint32_t subtask_;
  uint32_t parallelism_;
};

/// The timers of the current key, and the two clocks. Timers are state: they are restored.
class TimerService {
 public:
  explicit TimerService(KeyedStateStore& store) : store_(store) {}

  /// The lowest event time that may still come; nothing before the first watermark.
  std::optional<Timestamp> CurrentWatermark() const {
    if (watermark_ == EventTime::Min()) return std::nullopt;
    return Timestamp(std::chrono::microseconds(watermark_.micros()));
  }
  Timestamp CurrentProcessingTime() const {
    return Timestamp(std::chrono::microseconds(processing_time_micros_));
  }
  /// At most one timer for a key and a time: more of them are the same one. OnTimer is called when
  /// the watermark, or the clock, has come to it.
  void RegisterEventTimeTimer(Timestamp time) { Register(TimeDomain::kEventTime, time); }
  void RegisterProcessingTimeTimer(Timestamp time) { Register(TimeDomain::kProcessingTime, time); }
  void DeleteEventTimeTimer(Timestamp time) { Delete(TimeDomain::kEventTime, time); }
  void DeleteProcessingTimeTimer(Timestamp time) { Delete(TimeDomain::kProcessingTime, time); }

 private:
  template <class KeyOf, RowType In, RowType Out, class F>
  friend class KeyedProcessOperator;

  void Register(TimeDomain domain, Timestamp time) {
    store_.timers().Register(domain, time.time_since_epoch().count());
  }
  void Delete(TimeDomain domain, Timestamp time) {
    store_.timers().Delete(domain, time.time_since_epoch().count());
  }

  KeyedStateStore& store_;
  EventTime watermark_ = EventTime::Min();
  int64_t processing_time_micros_ = 0;
};

/// A function of the rows of a keyed stream, with state and timers of each key (Flink's
/// KeyedProcessFunction). Derive from it, as `final`; it is copied into every subtask.
///
/// Life cycle: Open; then ProcessElement and OnTimer, never two at a time; Close.
/// Threads: the subtask's. Errors: an exception fails the task, whatever the error policy: what it
/// has done to state by then cannot be taken back.
template <class K, RowType In, RowType Out>
class KeyedProcessFunction {
 public:
  using KeyType = K;
  using InputType = In;
  using OutputType = Out;

  class Context {
   public:
    explicit Context(KeyedStateStore& store) : store_(store), timers_(store) {}
    K CurrentKey() const { return *DecodeKey<K>(store_.current_key().key); }
    /// The row's event time, or the timer's time; nothing for rows without.
    std::optional<weir::Timestamp> Timestamp() const { return timestamp_; }
    TimerService& Timers() { return timers_; }
    /// In OnTimer: which kind of timer.
    TimeDomain Domain() const { return domain_; }

   private:
    template <class KeyOf, RowType I, RowType O, class F>
    friend class KeyedProcessOperator;

    KeyedStateStore& store_;
    TimerService timers_;
    std::optional<weir::Timestamp> timestamp_;
    TimeDomain domain_ = TimeDomain::kEventTime;
  };

  virtual ~KeyedProcessFunction() = default;
  virtual void Open(RuntimeContext& context) { (void)context; }
  virtual void ProcessElement(const Row<In>& value, Context& context, Collector<Out>& out) = 0;
  virtual void OnTimer(Timestamp time, Context& context, Collector<Out>& out) {
    (void)time;
    (void)context;
    (void)out;
  }
  virtual void Close() {}
};

}  // namespace weir

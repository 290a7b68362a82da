#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/types/record.h"
#include "state/api/keyed_state_store.h"
#include "weir/runtime_context.h"
#include "weir/side_outputs.h"
#include "weir/stream_functions.h"

namespace weir {

/// The timers of the current key, and the two clocks. Timers are state: they are restored.
class TimerService {
 public:
  explicit TimerService(KeyedStateStore& store) : store_(store) {}

  /// How far event time has come for the current key, also over a restore: rows and timers below
  /// are late. Nothing before the first watermark.
  std::optional<Timestamp> CurrentWatermark() const {
    const EventTime watermark = store_.timers().GroupWatermark(store_.current_key().group);
    if (watermark == EventTime::Min()) return std::nullopt;
    return Timestamp(std::chrono::microseconds(watermark.micros()));
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
    Context(KeyedStateStore& store, internal::SideOutputs& side_outputs)
        : store_(store), timers_(store), side_outputs_(side_outputs) {}
    K CurrentKey() const { return *DecodeKey<K>(store_.current_key().key); }
    /// The row's event time, or the timer's time; nothing for rows without.
    std::optional<weir::Timestamp> Timestamp() const { return timestamp_; }
    TimerService& Timers() { return timers_; }
    /// In OnTimer: which kind of timer.
    TimeDomain Domain() const { return domain_; }
    /// Into the side output of this tag (DataStream::GetSideOutput), with the time of the row or
    /// timer. Views are copied.
    template <RowType T>
    void Output(const OutputTag<T>& tag, const Row<T>& value) {
      side_outputs_.Collect(tag, value, Micros());
    }
    template <RowType T>
    void Output(const OutputTag<T>& tag, const T& value) requires RecordType<T> {
      side_outputs_.Collect(tag, value, Micros());
    }

   private:
    template <class KeyOf, RowType I, RowType O, class F>
    friend class KeyedProcessOperator;

    std::optional<int64_t> Micros() const {
      if (!timestamp_.has_value()) return std::nullopt;
      return timestamp_->time_since_epoch().count();
    }

    KeyedStateStore& store_;
    TimerService timers_;
    internal::SideOutputs& side_outputs_;
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

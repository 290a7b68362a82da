#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "state/api/keyed_state_store.h"
#include "weir/output_tag.h"
#include "weir/runtime_context.h"
#include "weir/side_outputs.h"
#include "weir/stream_functions.h"
#include "weir/time_window.h"

namespace weir {

/// What a function may know about the window that fires.
/// Lifetime: the call.
class WindowContext {
 public:
  WindowContext(KeyedStateStore& store, internal::SideOutputs& side_outputs)
      : store_(store), side_outputs_(side_outputs) {}

  const TimeWindow& Window() const { return window_; }
  /// How far event time has come for the window's key; nothing before the first watermark.
  std::optional<Timestamp> CurrentWatermark() const {
    const EventTime watermark = store_.timers().GroupWatermark(store_.current_key().group);
    if (watermark == EventTime::Min()) return std::nullopt;
    return Timestamp(std::chrono::microseconds(watermark.micros()));
  }
  /// The clock's time (Flink's currentProcessingTime), as of this batch or firing.
  Timestamp CurrentProcessingTime() const {
    return Timestamp(std::chrono::microseconds(processing_time_micros_));
  }
  /// Into the side output of this tag (DataStream::GetSideOutput), with the window's time.
  template <RowType T>
  void Output(const OutputTag<T>& tag, const Row<T>& value) {
    side_outputs_.Collect(tag, value, window_.max_timestamp_micros());
  }
  template <RowType T>
  void Output(const OutputTag<T>& tag, const T& value) requires RecordType<T> {
    side_outputs_.Collect(tag, value, window_.max_timestamp_micros());
  }

 private:
  friend class WindowOperator;

  KeyedStateStore& store_;
  internal::SideOutputs& side_outputs_;
  TimeWindow window_;
  int64_t processing_time_micros_ = 0;
};

/// A function of all rows of a window that fires (Flink's ProcessWindowFunction), or, behind an
/// aggregate function, of its one result. Derive from it, as `final`; it is copied into every
/// subtask. `In` is the stream's row type, or the result type of the aggregate function.
///
/// Life cycle: Open; Process for each firing, also again after late rows; Close.
/// Threads: the subtask's. Errors: an exception fails the task.
template <class In, RowType Out, class K>
class ProcessWindowFunction {
 public:
  using InputType = In;
  using OutputType = Out;
  using KeyType = K;
  using Context = WindowContext;

  virtual ~ProcessWindowFunction() = default;
  virtual void Open(FunctionContext& context) { (void)context; }
  /// `elements` are valid during the call; what is collected has the window's time.
  virtual void Process(const K& key, WindowContext& context, std::span<const In> elements,
                       Collector<Out>& out) = 0;
  virtual void Close() {}
};

}  // namespace weir

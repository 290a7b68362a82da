#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"

#include "common/operator/current_call.h"
#include "common/operator/operator.h"
#include "weir/function_context.h"
#include "weir/side_outputs.h"
#include "weir/stream_functions.h"

namespace weir {

/// A function of the rows of a stream without a key, with side outputs and state of its subtask
/// (Flink's ProcessFunction). Derive from it, as `final`; it is copied into every subtask.
///
/// Life cycle: Open; ProcessElement, never two at a time; Close.
/// Threads: the subtask's. Errors: an exception fails the task, whatever the error policy: what it
/// has put into outputs by then cannot be taken back.
template <RowType In, RowType Out>
class ProcessFunction {
 public:
  using InputType = In;
  using OutputType = Out;

  class Context {
   public:
    explicit Context(internal::SideOutputs& side_outputs) : side_outputs_(side_outputs) {}
    /// The row's event time; nothing for rows without.
    std::optional<weir::Timestamp> Timestamp() const {
      if (!time_micros_.has_value()) return std::nullopt;
      return weir::Timestamp(std::chrono::microseconds(*time_micros_));
    }
    /// How far event time has come for this subtask; nothing before the first watermark since it
    /// has been started, also after a restore.
    std::optional<weir::Timestamp> CurrentWatermark() const { return watermark_; }
    /// As of the batch that the row came in.
    weir::Timestamp CurrentProcessingTime() const { return processing_time_; }
    /// Into the side output of this tag (DataStream::GetSideOutput), with the time of the row.
    /// Views are copied.
    template <RowType T>
    void Output(const OutputTag<T>& tag, const Row<T>& value) {
      side_outputs_.Collect(tag, value, time_micros_);
    }
    template <RowType T>
    void Output(const OutputTag<T>& tag, const T& value) requires RecordType<T> {
      side_outputs_.Collect(tag, value, time_micros_);
    }

   private:
    template <RowType I, RowType O, class F>
    friend class ProcessOperator;

    internal::SideOutputs& side_outputs_;
    std::optional<int64_t> time_micros_;
    std::optional<weir::Timestamp> watermark_;
    weir::Timestamp processing_time_;
  };

  virtual ~ProcessFunction() = default;
  virtual void Open(FunctionContext& context) { (void)context; }
  virtual void ProcessElement(const Row<In>& value, Context& context, Collector<Out>& out) = 0;
  virtual void Close() {}
};

/// The operator behind Stream::Process.
template <RowType In, RowType Out, class F>
class ProcessOperator final : public Operator {
 public:
  explicit ProcessOperator(F function) : function_(std::move(function)), call_(side_outputs_) {}

  absl::Status Open(const OperatorContext& context) override {
    side_outputs_.Open(context.side_outputs);
    state_.Open(context);
    function_.Open(state_.context());
    clock_ = context.clock;
    return absl::OkStatus();
  }

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const int64_t* times = batch->event_times();
    CurrentCall& call = ThisThreadsCall();
    if (clock_ != nullptr) {
      call_.processing_time_ =
          Timestamp(std::chrono::microseconds(absl::ToUnixMicros(clock_->Now())));
    }
    Access::Begin(collector_, *batch, out);
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      Access::SetRow(collector_, row);
      if (times != nullptr) call_.time_micros_ = times[row];
      function_.ProcessElement(reader.View(row), call_, collector_);
      if (!state_.status().ok()) return state_.status();
    }
    call.ClearRow();
    call_.time_micros_.reset();
    absl::Status status = Access::End(collector_);
    return status.ok() ? side_outputs_.Flush() : status;
  }

  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    call_.watermark_ = Timestamp(std::chrono::microseconds(watermark.micros()));
    return out.EmitWatermark(watermark);
  }

  void Close() override { function_.Close(); }

 private:
  using Access = internal::CollectorAccess;

  const Clock* clock_ = nullptr;
  internal::FunctionState state_;  // the function may keep its context
  F function_;
  internal::SideOutputs side_outputs_;
  typename F::Context call_;
  Collector<Out> collector_;
};

}  // namespace weir

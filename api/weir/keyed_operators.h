#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/operator/current_call.h"
#include "common/types/key_bytes.h"
#include "weir/batch_keys.h"
#include "weir/keyed_operator.h"
#include "weir/keyed_process_function.h"

namespace weir {

/// Gives rows and timers to the author's function. Threads, errors: as Operator.
template <class KeyOf, RowType In, RowType Out, class F>
class KeyedProcessOperator final : public KeyedOperator {
 public:
  KeyedProcessOperator(KeyOf key, F function)
      : key_(std::move(key)), function_(std::move(function)) {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const auto keys = key_.Bind(*batch);
    const int64_t* times = batch->event_times();
    CurrentCall& call = ThisThreadsCall();
    Begin(*batch, out);
    const bool prefetches = store().prefetches();
    if (prefetches) {
      batch_keys_.Take(keys, reader.rows(), call,
                       [this](absl::string_view bytes) { return RefOf(bytes); });
    }
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      if (prefetches) {
        const auto next = batch_keys_.ToPrefetchAt(row);
        if (!next.empty()) store().Prefetch(next);
        store().SetCurrentKey(batch_keys_.refs()[row]);
      } else {
        store().SetCurrentKey(RefOf(key_bytes_.Of(keys.At(row))));
      }
      SetTime(times == nullptr ? std::nullopt : std::optional<int64_t>(times[row]));
      function_.ProcessElement(reader.View(row), *call_, collector_);
      if (runtime_->lost_.any() || state_failed()) break;  // the task fails behind this batch
    }
    call.ClearRow();
    return End();
  }

  void Close() override { function_.Close(); }

 private:
  using Access = internal::CollectorAccess;
  using Context = typename F::Context;

  absl::Status OpenFunction(const OperatorContext& context) override {
    side_outputs_.Open(context.side_outputs);
    call_.emplace(store(), side_outputs_);
    runtime_.emplace(store(), context);
    function_.Open(*runtime_);
    return absl::OkStatus();
  }
  void BeginOutput(Output& out) override {
    call_->timers_.processing_time_micros_ = now_micros();
    Access::BeginTimed(collector_, out);
    side_outputs_.Begin();
  }
  bool OutputWentOn() const override {
    return Access::WentOn(collector_) || side_outputs_.WentOn();
  }
  absl::Status EndOutput() override {
    absl::Status status = Access::End(collector_);
    return status.ok() ? side_outputs_.Flush() : status;
  }
  void OnDueTimer(TimeDomain domain, const DueTimer& timer) override {
    if (runtime_->lost_.any() || state_failed()) return;
    call_->domain_ = domain;
    SetTime(timer.time_micros);
    // The wall clock is no event time: what such a timer emits has none (side outputs do, as in
    // Flink's KeyedProcessOperator).
    if (domain == TimeDomain::kProcessingTime) Access::SetTime(collector_, std::nullopt);
    function_.OnTimer(Timestamp(std::chrono::microseconds(timer.time_micros)), *call_, collector_);
  }
  void SetTime(std::optional<int64_t> micros) {
    Access::SetTime(collector_, micros);
    call_->timestamp_.reset();
    if (micros.has_value()) call_->timestamp_ = Timestamp(std::chrono::microseconds(*micros));
  }

  KeyOf key_;
  std::optional<RuntimeContext> runtime_;  // the function may keep its address
  F function_;
  internal::SideOutputs side_outputs_;
  std::optional<Context> call_;
  Collector<Out> collector_;
  KeyBytes key_bytes_;
  internal::BatchKeys batch_keys_;
};

}  // namespace weir

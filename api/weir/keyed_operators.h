#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/operator/current_call.h"
#include "common/operator/operator.h"
#include "common/types/key_codec.h"
#include "weir/keyed_process_function.h"

namespace weir {

/// The operator behind KeyedStream::Process.
template <class KeyOf, RowType In, RowType Out, class F>
class KeyedProcessOperator final : public Operator {
 public:
  KeyedProcessOperator(KeyOf key, F function)
      : key_(std::move(key)), function_(std::move(function)) {}

  absl::Status Open(const OperatorContext& context) override {
    store_ = context.keyed_state;
    if (store_ == nullptr) {
      return absl::FailedPreconditionError("a function with keyed state needs a keyed stream");
    }
    max_parallelism_ = context.max_parallelism;
    call_.emplace(*store_);
    RuntimeContext runtime(*store_, context.subtask_index, context.parallelism);
    function_.Open(runtime);
    return store_->status();
  }

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const auto keys = key_.Bind(*batch);
    const int64_t* times = batch->event_times();
    CurrentCall& call = ThisThreadsCall();
    store_->BeginBatch();
    collector_.BeginTimed(out);
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      key_bytes_.clear();
      EncodeKey(keys.At(row), &key_bytes_);
      store_->SetCurrentKey(KeyRefOf(key_bytes_, max_parallelism_));
      SetTime(times == nullptr ? std::nullopt : std::optional<int64_t>(times[row]));
      function_.ProcessElement(reader.View(row), *call_, collector_);
    }
    call.ClearRow();
    return End();
  }

  // Timers first: what they emit is not late behind the watermark.
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    store_->BeginBatch();
    store_->timers().AdvanceWatermark(watermark);
    call_->timers_.watermark_ = watermark;
    if (absl::Status status = Fire(TimeDomain::kEventTime, watermark.micros(), out); !status.ok()) {
      return status;
    }
    return out.EmitWatermark(watermark);
  }

  std::optional<int64_t> NextProcessingTime() const override {
    return store_->timers().NextDue(TimeDomain::kProcessingTime);
  }
  absl::Status OnProcessingTime(int64_t now_micros, Output& out) override {
    call_->timers_.processing_time_micros_ = now_micros;
    const std::optional<int64_t> next = NextProcessingTime();
    if (!next.has_value() || *next > now_micros) return absl::OkStatus();
    store_->BeginBatch();
    return Fire(TimeDomain::kProcessingTime, now_micros, out);
  }

  void Close() override { function_.Close(); }

 private:
  absl::Status Fire(TimeDomain domain, int64_t until_micros, Output& out) {
    collector_.BeginTimed(out);
    call_->domain_ = domain;
    while (auto timer = store_->timers().PopDue(domain, until_micros)) {
      store_->SetCurrentKey(KeyRefOf(timer->key, max_parallelism_));
      SetTime(timer->time_micros);
      function_.OnTimer(Timestamp(std::chrono::microseconds(timer->time_micros)), *call_,
                        collector_);
    }
    return End();
  }
  void SetTime(std::optional<int64_t> micros) {
    collector_.SetTime(micros);
    call_->timestamp_.reset();
    if (micros.has_value()) call_->timestamp_ = Timestamp(std::chrono::microseconds(*micros));
  }
  absl::Status End() {
    store_->ClearCurrentKey();
    absl::Status status = collector_.End();
    return status.ok() ? store_->status() : status;
  }

  using Context = typename F::Context;

  KeyOf key_;
  F function_;
  KeyedStateStore* store_ = nullptr;
  uint32_t max_parallelism_ = 0;
  std::optional<Context> call_;
  Collector<Out> collector_;
  std::string key_bytes_;
};

}  // namespace weir

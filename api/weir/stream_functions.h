#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/operator/operator.h"
#include "common/types/record.h"
#include "weir/function_context.h"
#include "weir/function_traits.h"

/// The operators behind Map, Filter and FlatMap: the user's function is inlined into one loop per
/// batch, straight from columns to columns. Event times, change kinds and provenance of the rows
/// are carried along. A function that throws leaves its row to the operator's error policy, and the
/// loop goes on behind it.
namespace weir {

namespace internal {
struct CollectorAccess;
}  // namespace internal

/// What a FlatMap function puts its rows into. The rows it emits share the event time, change kind
/// and position of the row it was called with. Full batches go on at once.
template <RowType Out>
class Collector {
 public:
  /// A record, or a view whose bytes are copied now.
  void Collect(const Row<Out>& row) {
    builder_.AppendView(row);
    Appended();
  }
  void Collect(const Out& record) requires RecordType<Out> {
    builder_.Append(record);
    Appended();
  }

 private:
  template <RowType In, RowType O, class F>
  friend class FlatMapOperator;
  friend struct internal::CollectorAccess;

  static constexpr size_t kMaxRows = 4096;
  static constexpr size_t kRowsBetweenSizeChecks = 64;
  static constexpr size_t kMaxBytes = 1u << 20;

  void Begin(const Batch& input, Output& out) {
    input_ = &input;
    out_ = &out;
    went_on_ = false;
  }
  /// The rows have times of their own, or none, instead of those of an input row.
  void BeginTimed(Output& out) {
    input_ = nullptr;
    out_ = &out;
    went_on_ = false;
  }
  void SetTime(std::optional<int64_t> micros) { time_micros_ = micros; }
  void SetRow(size_t row) {
    row_ = static_cast<uint32_t>(row);
    row_begin_ = rows_.size();
    flushed_in_row_ = false;
  }
  /// Takes back what was collected for this row; false when some of it has gone on.
  bool TakeBackRow() {
    if (flushed_in_row_) return false;
    rows_.resize(row_begin_);
    builder_.Truncate(row_begin_);
    return true;
  }
  void Appended() {
    rows_.push_back(row_);
    if (input_ == nullptr && time_micros_.has_value()) times_.push_back(*time_micros_);
    const size_t rows = rows_.size();
    if (rows >= kMaxRows ||
        (rows % kRowsBetweenSizeChecks == 0 && builder_.size_bytes() >= kMaxBytes)) {
      Flush();
      flushed_in_row_ = true;
      went_on_ = true;
    }
  }
  void Flush();
  absl::Status End() {
    Flush();
    return std::exchange(status_, absl::OkStatus());
  }

  const Batch* input_ = nullptr;
  Output* out_ = nullptr;
  uint32_t row_ = 0;
  size_t row_begin_ = 0;  // in rows_
  bool flushed_in_row_ = false;
  bool went_on_ = false;  // a full batch, since Begin
  RecordBuilder<Out> builder_;
  std::vector<uint32_t> rows_;  // the input row of each collected one
  std::optional<int64_t> time_micros_;
  std::vector<int64_t> times_;  // of the rows; of all of them or of none
  absl::Status status_;
};

namespace internal {

/// How operators, and tests of functions, use a collector.
struct CollectorAccess {
  template <class Out>
  static void Begin(Collector<Out>& collector, const Batch& input, Output& output) {
    collector.Begin(input, output);
  }
  template <class Out>
  static void BeginTimed(Collector<Out>& collector, Output& output) {
    collector.BeginTimed(output);
  }
  template <class Out>
  static void SetTime(Collector<Out>& collector, std::optional<int64_t> micros) {
    collector.SetTime(micros);
  }
  template <class Out>
  static void SetRow(Collector<Out>& collector, size_t row) {
    collector.SetRow(row);
  }
  template <class Out>
  static bool WentOn(const Collector<Out>& collector) {
    return collector.went_on_;
  }
  template <class Out>
  static absl::Status End(Collector<Out>& collector) {
    return collector.End();
  }
  template <class Out>
  static void Flush(Collector<Out>& collector) {
    collector.Flush();
  }
};

/// Event times, change kinds and provenance of these rows.
BatchExtras TakeExtras(const Batch& batch, std::span<const uint32_t> rows);
/// The rows that were kept, or the batch itself when all were; null when none.
BatchPtr Select(const BatchPtr& batch, std::span<const uint32_t> rows);
/// Appended rows did not fit into one column: RESOURCE_EXHAUSTED, naming the field.
absl::Status CheckFits(const BatchBuilder& builder);
/// To be called in a handler of an exception that the function threw for `row`: what the policy
/// says. Without one the exception goes on, to the border of the task.
absl::Status OnException(RecordErrors* errors, const Batch& batch, size_t row);
/// All rows but these, which rise.
std::vector<uint32_t> AllBut(size_t rows, std::span<const uint32_t> left_out);

}  // namespace internal

template <RowType Out>
void Collector<Out>::Flush() {
  if (rows_.empty()) return;
  if (status_.ok()) status_ = internal::CheckFits(builder_.batch_builder());
  if (status_.ok()) {
    BatchExtras extras;
    if (input_ != nullptr) {
      extras = internal::TakeExtras(*input_, rows_);
    } else if (times_.size() == rows_.size()) {
      extras.event_times = Buffer::FromVector(std::exchange(times_, {}));
    }
    status_ = out_->Emit(std::make_shared<const Batch>(builder_.Finish(std::move(extras))));
  } else {
    builder_.Truncate(0);
  }
  rows_.clear();
  times_.clear();
}

/// What the operators below have in common: the function, which is opened and closed where it has
/// Open(FunctionContext&) and Close(), and may then have state of its subtask.
template <class F>
class FunctionOperator : public Operator {
  static_assert(internal::kHasOpen<F> || !internal::kNamesOpen<F>,
                "the function's Open takes a weir::FunctionContext&");

 public:
  explicit FunctionOperator(F function) : function_(std::move(function)) {}

  absl::Status Open(const OperatorContext& context) override {
    errors_ = context.errors;
    if constexpr (internal::kHasOpen<F>) {
      state_.Open(context);
      function_.Open(state_.context());
    }
    return absl::OkStatus();
  }
  void Close() override {
    if constexpr (internal::kHasClose<F>) function_.Close();
  }

 protected:
  /// State that the function has asked for cannot be had: nothing more comes of its rows.
  bool state_failed() const {
    if constexpr (internal::kHasOpen<F>) return !state_.status().ok();
    return false;
  }
  const absl::Status& state_status() const { return state_.status(); }
  /// As internal::OnException, unless state is the reason.
  absl::Status OnException(const Batch& batch, size_t row, bool may_leave_out = true) {
    if (state_failed()) return state_status();
    return internal::OnException(may_leave_out ? errors_ : nullptr, batch, row);
  }

 private:
  RecordErrors* errors_ = nullptr;
  internal::FunctionState state_;  // the function may keep its context

 protected:
  F function_;
};

/// One output row per input row.
template <RowType In, RowType Out, class F>
class MapOperator final : public FunctionOperator<F> {
 public:
  using FunctionOperator<F>::FunctionOperator;

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const size_t rows = reader.rows();
    builder_.Reserve(rows);
    left_out_.clear();
    size_t row = 0;
    while (row < rows) {
      try {
        AppendFrom(reader, row);
      } catch (...) {
        builder_.Truncate(row - left_out_.size());
        absl::Status status = this->OnException(*batch, row);
        if (!status.ok()) return status;
        left_out_.push_back(static_cast<uint32_t>(row));
        ++row;
      }
    }
    if (this->state_failed()) return this->state_status();
    if (absl::Status status = internal::CheckFits(builder_.batch_builder()); !status.ok()) {
      return status;
    }
    if (left_out_.empty()) {
      return out.Emit(std::make_shared<const Batch>(builder_.Finish(batch->extras())));
    }
    if (left_out_.size() == rows) return absl::OkStatus();
    return out.Emit(std::make_shared<const Batch>(
        builder_.Finish(internal::TakeExtras(*batch, internal::AllBut(rows, left_out_)))));
  }

  bool one_to_one() const override { return true; }

 private:
  // To the last row, or to the first that the function throws for.
  void AppendFrom(const RecordReader<In>& reader, size_t& row) {
    CurrentCall& call = ThisThreadsCall();
    for (const size_t rows = reader.rows(); row < rows; ++row) {
      call.SetRow(row);
      internal::AppendRow<Out>(builder_, internal::CallWithRow<In>(this->function_, reader, row));
    }
    call.ClearRow();
  }

  RecordBuilder<Out> builder_;
  std::vector<uint32_t> left_out_;
};

/// The rows for which the function says true.
template <RowType T, class F>
class FilterOperator final : public FunctionOperator<F> {
 public:
  using FunctionOperator<F>::FunctionOperator;

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<T> reader(*batch);
    const size_t rows = reader.rows();
    selected_.resize(rows);
    size_t count = 0;
    size_t left_out = 0;
    size_t row = 0;
    while (row < rows) {
      try {
        SelectFrom(reader, row, count);
      } catch (...) {
        absl::Status status = this->OnException(*batch, row);
        if (!status.ok()) return status;
        ++left_out;
        ++row;
      }
    }
    if (this->state_failed()) return this->state_status();
    filtered_ += rows - count - left_out;
    BatchPtr kept = internal::Select(batch, std::span(selected_.data(), count));
    return kept == nullptr ? absl::OkStatus() : out.Emit(std::move(kept));
  }

  bool one_to_one() const override { return true; }
  uint64_t filtered() const override { return filtered_; }

 private:
  void SelectFrom(const RecordReader<T>& reader, size_t& row, size_t& count) {
    CurrentCall& call = ThisThreadsCall();
    for (const size_t rows = reader.rows(); row < rows; ++row) {
      call.SetRow(row);
      // Written always and counted only when kept: no branch to mispredict.
      selected_[count] = static_cast<uint32_t>(row);
      count += static_cast<bool>(internal::CallWithRow<T>(this->function_, reader, row)) ? 1 : 0;
    }
    call.ClearRow();
  }

  std::vector<uint32_t> selected_;
  uint64_t filtered_ = 0;
};

/// Any number of output rows per input row.
template <RowType In, RowType Out, class F>
class FlatMapOperator final : public FunctionOperator<F> {
 public:
  using FunctionOperator<F>::FunctionOperator;

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const size_t rows = reader.rows();
    collector_.Begin(*batch, out);
    size_t row = 0;
    while (row < rows) {
      try {
        CollectFrom(reader, row);
      } catch (...) {
        // Of a row that has gone on in part the rest cannot be left out.
        absl::Status status = this->OnException(*batch, row, collector_.TakeBackRow());
        if (!status.ok()) return status;
        ++row;
      }
      if (this->state_failed()) return this->state_status();
    }
    return collector_.End();
  }

 private:
  void CollectFrom(const RecordReader<In>& reader, size_t& row) {
    CurrentCall& call = ThisThreadsCall();
    for (const size_t rows = reader.rows(); row < rows; ++row) {
      call.SetRow(row);
      collector_.SetRow(row);
      internal::CallWithRow<In>(this->function_, reader, row, collector_);
      if (this->state_failed()) return;
    }
    call.ClearRow();
  }

  Collector<Out> collector_;
};

}  // namespace weir

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/operator/operator.h"
#include "common/types/record.h"
#include "weir/function_traits.h"

/// The operators behind Map, Filter and FlatMap: the user's function is inlined into one loop per
/// batch, straight from columns to columns. Event times, change kinds and provenance of the rows
/// are carried along.
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
  friend struct internal::CollectorAccess;  // weir/testing/test_collector.h

  static constexpr size_t kMaxRows = 4096;
  static constexpr size_t kRowsBetweenSizeChecks = 64;
  static constexpr size_t kMaxBytes = 1u << 20;

  void Begin(const Batch& input, Output& out) {
    input_ = &input;
    out_ = &out;
  }
  void SetRow(size_t row) { row_ = static_cast<uint32_t>(row); }
  void Appended() {
    rows_.push_back(row_);
    const size_t rows = rows_.size();
    if (rows >= kMaxRows ||
        (rows % kRowsBetweenSizeChecks == 0 && builder_.size_bytes() >= kMaxBytes)) {
      Flush();
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
  RecordBuilder<Out> builder_;
  std::vector<uint32_t> rows_;  // the input row of each collected one
  absl::Status status_;
};

namespace internal {

/// Event times, change kinds and provenance of these rows.
BatchExtras TakeExtras(const Batch& batch, std::span<const uint32_t> rows);
/// The rows that were kept, or the batch itself when all were; null when none.
BatchPtr Select(const BatchPtr& batch, std::span<const uint32_t> rows);
/// Appended rows did not fit into one column: RESOURCE_EXHAUSTED, naming the field.
absl::Status CheckFits(const BatchBuilder& builder);

}  // namespace internal

template <RowType Out>
void Collector<Out>::Flush() {
  if (rows_.empty()) return;
  if (status_.ok()) status_ = internal::CheckFits(builder_.batch_builder());
  if (status_.ok()) {
    status_ = out_->Emit(
        std::make_shared<const Batch>(builder_.Finish(internal::TakeExtras(*input_, rows_))));
  } else {
    builder_.Truncate(0);
  }
  rows_.clear();
}

/// One output row per input row.
template <RowType In, RowType Out, class F>
class MapOperator final : public Operator {
 public:
  explicit MapOperator(F function) : function_(std::move(function)) {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const size_t rows = reader.rows();
    builder_.Reserve(rows);
    for (size_t row = 0; row < rows; ++row) {
      internal::AppendRow<Out>(builder_, internal::CallWithRow<In>(function_, reader, row));
    }
    if (absl::Status status = internal::CheckFits(builder_.batch_builder()); !status.ok()) {
      return status;
    }
    return out.Emit(std::make_shared<const Batch>(builder_.Finish(batch->extras())));
  }

 private:
  F function_;
  RecordBuilder<Out> builder_;
};

/// The rows for which the function says true.
template <RowType T, class F>
class FilterOperator final : public Operator {
 public:
  explicit FilterOperator(F function) : function_(std::move(function)) {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<T> reader(*batch);
    const size_t rows = reader.rows();
    selected_.resize(rows);
    size_t count = 0;
    for (size_t row = 0; row < rows; ++row) {
      // Written always and counted only when kept: no branch to mispredict.
      selected_[count] = static_cast<uint32_t>(row);
      count += static_cast<bool>(internal::CallWithRow<T>(function_, reader, row)) ? 1 : 0;
    }
    BatchPtr kept = internal::Select(batch, std::span(selected_.data(), count));
    return kept == nullptr ? absl::OkStatus() : out.Emit(std::move(kept));
  }

 private:
  F function_;
  std::vector<uint32_t> selected_;
};

/// Any number of output rows per input row.
template <RowType In, RowType Out, class F>
class FlatMapOperator final : public Operator {
 public:
  explicit FlatMapOperator(F function) : function_(std::move(function)) {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<In> reader(*batch);
    const size_t rows = reader.rows();
    collector_.Begin(*batch, out);
    for (size_t row = 0; row < rows; ++row) {
      collector_.SetRow(row);
      internal::CallWithRow<In>(function_, reader, row, collector_);
    }
    return collector_.End();
  }

 private:
  F function_;
  Collector<Out> collector_;
};

}  // namespace weir

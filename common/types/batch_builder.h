#pragma once

#include <cstddef>
#include <vector>

#include "common/types/batch.h"
#include "common/types/column_builder.h"
#include "common/types/schema.h"

namespace weir {

/// One ColumnBuilder per field, and how many rows are complete. A writer appends one value to every
/// column and calls CommitRow; a row it cannot finish is taken back as a whole with RollbackRow.
/// Whoever appends whole columns at a time calls CommitRows.
///
/// Threads: one at a time.
/// Errors: see ColumnBuilder; Finish with incomplete rows is a bug (checked).
class BatchBuilder {
 public:
  explicit BatchBuilder(SchemaPtr schema, size_t max_column_bytes = kMaxColumnBytes);

  const SchemaPtr& schema() const { return schema_; }
  size_t num_columns() const { return columns_.size(); }
  ColumnBuilder& column(size_t index) { return columns_[index]; }
  const ColumnBuilder& column(size_t index) const { return columns_[index]; }

  /// Complete rows.
  size_t rows() const { return rows_; }
  size_t size_bytes() const;
  void Reserve(size_t rows);
  void CommitRow() { ++rows_; }
  void CommitRows(size_t rows) { rows_ += rows; }
  void RollbackRow() { Truncate(rows_); }
  /// Keeps the first `rows` complete rows.
  void Truncate(size_t rows);

  bool full() const;
  /// RESOURCE_EXHAUSTED, naming the field, when a value did not fit into its column.
  absl::Status status() const;

  /// These rows of a batch of an equal schema (positions and types).
  void AppendRows(const Batch& batch, std::span<const uint32_t> rows);

  /// The builder is empty afterwards.
  Batch Finish(BatchExtras extras = {});

 private:
  SchemaPtr schema_;
  std::vector<ColumnBuilder> columns_;
  size_t rows_ = 0;
};

}  // namespace weir

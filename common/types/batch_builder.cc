#include "common/types/batch_builder.h"

#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"

namespace weir {

BatchBuilder::BatchBuilder(SchemaPtr schema, size_t max_column_bytes) : schema_(std::move(schema)) {
  columns_.reserve(schema_->num_fields());
  for (const Field& field : schema_->fields()) columns_.emplace_back(field.type, max_column_bytes);
}

size_t BatchBuilder::size_bytes() const {
  size_t bytes = 0;
  for (const ColumnBuilder& column : columns_) bytes += column.size_bytes();
  return bytes;
}

void BatchBuilder::Reserve(size_t rows) {
  for (ColumnBuilder& column : columns_) column.Reserve(rows);
}

void BatchBuilder::Truncate(size_t rows) {
  for (ColumnBuilder& column : columns_) column.Truncate(rows);
  if (rows < rows_) rows_ = rows;
}

bool BatchBuilder::full() const {
  for (const ColumnBuilder& column : columns_) {
    if (column.full()) return true;
  }
  return false;
}

absl::Status BatchBuilder::status() const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_[i].full()) continue;
    const absl::Status status = columns_[i].status();
    return absl::Status(status.code(), "field \"" + schema_->field(i).name +
                                           "\": " + std::string(status.message()));
  }
  return absl::OkStatus();
}

void BatchBuilder::AppendRows(const Batch& batch, std::span<const uint32_t> rows) {
  WEIR_CHECK(batch.num_columns() == columns_.size())
      << "rows of " << batch.schema()->ToString() << " appended to " << schema_->ToString();
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].AppendRows(batch.column(i), rows);
  rows_ += rows.size();
}

Batch BatchBuilder::Finish(BatchExtras extras) {
  std::vector<Column> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) columns.push_back(column.Finish());
  const size_t rows = rows_;
  rows_ = 0;
  return Batch(schema_, std::move(columns), rows, std::move(extras));
}

}  // namespace weir

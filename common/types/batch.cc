#include "common/types/batch.h"

#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"

namespace weir {
namespace {

/// Copies the values of these rows; absent stays absent.
template <class T>
Buffer Gather(const Buffer& buffer, std::span<const uint32_t> rows) {
  if (buffer.absent()) return Buffer();
  std::vector<T> values;
  values.reserve(rows.size());
  for (const uint32_t row : rows) values.push_back(buffer.as<T>()[row]);
  return Buffer::FromVector(std::move(values));
}

Buffer SliceIfPresent(const Buffer& buffer, size_t first, size_t count, size_t width) {
  return buffer.absent() ? Buffer() : buffer.Slice(first * width, count * width);
}

}  // namespace

absl::Status Batch::CheckColumns(const Schema& schema, const std::vector<Column>& columns,
                                 size_t num_rows) {
  if (columns.size() != schema.num_fields()) {
    return absl::InvalidArgumentError(std::to_string(columns.size()) + " columns for schema " +
                                      schema.ToString());
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const Field& field = schema.field(i);
    const Column& column = columns[i];
    const std::string where = "column of field \"" + field.name + "\": ";
    if (column.type() != field.type) {
      return absl::InvalidArgumentError(where + std::string(DataTypeName(column.type())) +
                                        " instead of " + std::string(DataTypeName(field.type)));
    }
    if (column.length() != num_rows) {
      return absl::InvalidArgumentError(where + std::to_string(column.length()) +
                                        " rows instead of " + std::to_string(num_rows));
    }
    if (column.has_nulls() && !field.nullable) {
      return absl::InvalidArgumentError(where + std::to_string(column.null_count()) +
                                        " nulls, but the field is not nullable");
    }
  }
  return absl::OkStatus();
}

Batch::Batch(SchemaPtr schema, std::vector<Column> columns, size_t num_rows, BatchExtras extras)
    : schema_(std::move(schema)),
      columns_(std::move(columns)),
      num_rows_(num_rows),
      extras_(std::move(extras)) {
  bool fits = columns_.size() == schema_->num_fields();
  for (size_t i = 0; fits && i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const Field& field = schema_->field(i);
    fits = column.type() == field.type && column.length() == num_rows_ &&
           (field.nullable || !column.has_nulls());
    size_bytes_ += column.size_bytes();
  }
  WEIR_CHECK(fits) << CheckColumns(*schema_, columns_, num_rows_).message();
  WEIR_CHECK(extras_.event_times.absent() ||
             extras_.event_times.size() == num_rows_ * sizeof(int64_t))
      << extras_.event_times.size() << " bytes of event times for " << num_rows_ << " rows";
  WEIR_CHECK(extras_.change_kinds.absent() || extras_.change_kinds.size() == num_rows_)
      << extras_.change_kinds.size() << " change kinds for " << num_rows_ << " rows";
  size_bytes_ += extras_.event_times.size() + extras_.change_kinds.size();
}

Batch Batch::Slice(size_t first, size_t count) const {
  WEIR_CHECK(first <= num_rows_ && count <= num_rows_ - first)
      << "slice " << first << "+" << count << " of a batch of " << num_rows_ << " rows";
  std::vector<Column> columns;
  columns.reserve(columns_.size());
  for (const Column& column : columns_) columns.push_back(column.Slice(first, count));
  BatchExtras extras;
  extras.event_times = SliceIfPresent(extras_.event_times, first, count, sizeof(int64_t));
  extras.change_kinds = SliceIfPresent(extras_.change_kinds, first, count, sizeof(ChangeKind));
  if (provenance() != nullptr) extras.provenance = provenance()->Slice(first, count);
  return Batch(schema_, std::move(columns), count, std::move(extras));
}

Batch Batch::Take(std::span<const uint32_t> rows) const {
  std::vector<Column> columns;
  columns.reserve(columns_.size());
  for (const Column& column : columns_) columns.push_back(column.Take(rows));
  BatchExtras extras;
  extras.event_times = Gather<int64_t>(extras_.event_times, rows);
  extras.change_kinds = Gather<ChangeKind>(extras_.change_kinds, rows);
  if (provenance() != nullptr) extras.provenance = provenance()->Take(rows);
  return Batch(schema_, std::move(columns), rows.size(), std::move(extras));
}

Batch Batch::WithExtras(BatchExtras extras) const {
  return Batch(schema_, columns_, num_rows_, std::move(extras));
}

}  // namespace weir

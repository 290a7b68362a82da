#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/types/buffer.h"
#include "common/types/column.h"
#include "common/types/schema.h"
#include "common/types/source_position.h"

namespace weir {

/// What a row does to the table that a changelog stream describes (Flink's RowKind, same numbers).
enum class ChangeKind : uint8_t {
  kInsert = 0,
  kUpdateBefore = 1,
  kUpdateAfter = 2,
  kDelete = 3,
};

/// What a batch may carry beside its columns; an absent buffer means "none".
struct BatchExtras {
  Buffer event_times;   // int64 per row, microseconds since the epoch
  Buffer change_kinds;  // one ChangeKind per row; absent: every row is an insert
  std::shared_ptr<const Provenance> provenance;
};

/// The unit of data everywhere in Weir: columns of equal length under a schema, an event time per
/// row or none, a change kind per row or none, and where the rows came from. Immutable; a copy
/// shares all buffers. It travels as BatchPtr, because several consumers may read one batch.
///
/// Threads: immutable, so thread-safe.
/// Errors: a batch that contradicts its schema (number of columns, types, lengths, nulls in a field
/// that is not nullable) is a bug and checked at construction; check outside input before, with
/// Column::FromBuffers and CheckColumns.
class Batch {
 public:
  Batch(SchemaPtr schema, std::vector<Column> columns, size_t num_rows, BatchExtras extras = {});

  /// INVALID_ARGUMENT, naming field and difference, unless the columns fit the schema.
  static absl::Status CheckColumns(const Schema& schema, const std::vector<Column>& columns,
                                   size_t num_rows);

  const SchemaPtr& schema() const { return schema_; }
  size_t num_rows() const { return num_rows_; }
  size_t num_columns() const { return columns_.size(); }
  const Column& column(size_t index) const { return columns_[index]; }
  const std::vector<Column>& columns() const { return columns_; }

  /// Null when the batch has no event times; microseconds since the epoch.
  const int64_t* event_times() const { return extras_.event_times.as<int64_t>(); }
  /// Null when every row is an insert.
  const ChangeKind* change_kinds() const { return extras_.change_kinds.as<ChangeKind>(); }
  ChangeKind change_kind(size_t row) const {
    return change_kinds() == nullptr ? ChangeKind::kInsert : change_kinds()[row];
  }
  /// Null when unknown.
  const std::shared_ptr<const Provenance>& provenance() const { return extras_.provenance; }
  const BatchExtras& extras() const { return extras_; }

  /// Bytes of all columns, event times and change kinds: what queues and credits count.
  size_t size_bytes() const { return size_bytes_; }

  /// Rows [first, first + count), sharing the buffers.
  Batch Slice(size_t first, size_t count) const;
  /// These rows in this order, copied: how a selection is applied.
  Batch Take(std::span<const uint32_t> rows) const;
  /// The same rows with other extras, e.g. after event times were assigned.
  Batch WithExtras(BatchExtras extras) const;

 private:
  SchemaPtr schema_;
  std::vector<Column> columns_;
  size_t num_rows_;
  BatchExtras extras_;
  size_t size_bytes_ = 0;
};

using BatchPtr = std::shared_ptr<const Batch>;

}  // namespace weir

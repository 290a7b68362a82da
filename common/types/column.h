#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/types/buffer.h"
#include "common/types/data_type.h"
#include "common/types/status_forward.h"

namespace weir {

/// The raw parts of a column, as exchange and snapshots move them.
///
///   validity  bit i (least significant first) is 1 when value i is not null; absent without nulls
///   offsets   strings and bytes only: length + 1 int32, value i is bytes [offsets[i],
///   offsets[i+1])
///             of `values`. offsets[0] need not be 0 (a slice shares its bytes).
///   values    length * FixedWidth(type) bytes, or the bytes of the strings. What lies under a null
///             is a zero, or an empty string.
struct ColumnBuffers {
  Buffer validity;
  Buffer offsets;
  Buffer values;
};

/// One column of a batch, in Arrow's memory layout with one difference: a bool is a byte, not a
/// bit, so that every fixed-width type is read and sliced alike. Immutable; copies share the
/// buffers.
///
/// Threads: immutable, so thread-safe.
/// Lifetime: pointers and views stay valid as long as any copy (or slice) of the column lives.
/// Errors: accessors do not check the type or the row in release builds; FromBuffers checks all.
class Column {
 public:
  Column() = default;

  /// Checks sizes, alignment, bool values and offsets against `type` and `length`, then makes a
  /// column that shares the buffers. DATA_LOSS, saying what is wrong, when they do not fit.
  static absl::Status FromBuffers(DataType type, size_t length, ColumnBuffers buffers, Column* out);

  DataType type() const { return type_; }
  size_t length() const { return length_; }
  size_t null_count() const { return null_count_; }
  bool has_nulls() const { return null_count_ != 0; }
  /// Null when the column has no nulls.
  const uint8_t* validity() const { return buffers_.validity.data(); }
  bool IsNull(size_t row) const {
    const uint8_t* bits = validity();
    return bits != nullptr && ((bits[row >> 3] >> (row & 7)) & 1) == 0;
  }

  const uint8_t* bools() const { return Values<uint8_t>(DataType::kBool); }
  const int32_t* int32s() const { return Values<int32_t>(DataType::kInt32); }
  /// Also of timestamps (microseconds).
  const int64_t* int64s() const {
    assert(type_ == DataType::kInt64 || type_ == DataType::kTimestamp);
    return buffers_.values.as<int64_t>();
  }
  const double* float64s() const { return Values<double>(DataType::kFloat64); }

  /// length() + 1 of them, strings and bytes only.
  const int32_t* offsets() const { return buffers_.offsets.as<int32_t>(); }
  /// What the offsets count from.
  const char* bytes() const { return buffers_.values.as<char>(); }
  std::string_view StringAt(size_t row) const {
    assert(IsVariableWidth(type_));
    const int32_t* offset = offsets() + row;
    return {bytes() + offset[0], static_cast<size_t>(offset[1] - offset[0])};
  }

  const ColumnBuffers& buffers() const { return buffers_; }
  /// Bytes that this column's rows occupy (of a slice: its part only).
  size_t size_bytes() const;

  /// Rows [first, first + count): shares values and offsets, copies the validity bits at most.
  Column Slice(size_t first, size_t count) const;
  /// These rows in this order, copied.
  Column Take(std::span<const uint32_t> rows) const;

  /// Same type, length, nulls and values (floats by bits). For tests and checks.
  bool Equals(const Column& other) const;

 private:
  friend class ColumnBuilder;
  Column(DataType type, size_t length, size_t null_count, ColumnBuffers buffers)
      : type_(type), length_(length), null_count_(null_count), buffers_(std::move(buffers)) {}

  template <class T>
  const T* Values([[maybe_unused]] DataType type) const {
    assert(type_ == type);
    return buffers_.values.as<T>();
  }

  DataType type_ = DataType::kInt64;
  size_t length_ = 0;
  size_t null_count_ = 0;
  ColumnBuffers buffers_;
};

/// Set bits among the first `length` of a validity bitmap.
size_t CountValid(const uint8_t* validity, size_t length);

}  // namespace weir

#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "common/types/column.h"
#include "common/types/data_type.h"
#include "common/types/status_forward.h"

namespace weir {

/// No buffer of a column is larger: 32-bit offsets end there.
inline constexpr size_t kMaxColumnBytes = (size_t{1} << 31) - 1;

/// Builds one column by appending values. One call per value, inlined, no virtual call, no Status:
/// what does not fit (kMaxColumnBytes, or the smaller limit given) is not appended and makes full()
/// true until Truncate or Finish; the caller looks once per row or per batch.
///
/// Life cycle: append..., Finish, append..., Finish; after Finish the builder is empty and
/// remembers how long the values were, so that the next Reserve fits. Threads: one at a time.
/// Errors: appending a value of another type than type() is a bug (asserted). Finish of a full
/// builder is a bug (checked): the caller must have seen status() before.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(DataType type, size_t max_bytes = kMaxColumnBytes);
  ColumnBuilder(ColumnBuilder&& other) noexcept = default;
  ColumnBuilder& operator=(ColumnBuilder&& other) noexcept = default;

  DataType type() const { return type_; }
  size_t length() const { return length_; }
  size_t null_count() const { return null_count_; }
  /// Bytes appended so far, all buffers together.
  size_t size_bytes() const;

  /// RESOURCE_EXHAUSTED, naming the limit, when a value did not fit.
  absl::Status status() const;
  bool full() const { return full_; }

  /// Makes room for this many rows more (a hint; what is above the limit is ignored).
  void Reserve(size_t rows);

  void AppendBool(bool value) { AppendFixed<uint8_t>(DataType::kBool, value ? 1 : 0); }
  void AppendInt32(int32_t value) { AppendFixed(DataType::kInt32, value); }
  void AppendFloat64(double value) { AppendFixed(DataType::kFloat64, value); }
  /// Also for timestamps (microseconds).
  void AppendInt64(int64_t value) {
    AppendFixed(type_ == DataType::kTimestamp ? DataType::kTimestamp : DataType::kInt64, value);
  }
  /// Strings and bytes.
  void AppendBytes(std::string_view value) {
    char* room = GrowBytes(value.size());
    if (room == nullptr) return;
    if (!value.empty()) std::memcpy(room, value.data(), value.size());
    CommitBytes(value.size());
  }
  void AppendNull();

  /// For parsers, strings and bytes only: room for a value of up to `bytes` bytes (and kGrowSlack
  /// more that may be overwritten with anything). Write the value there, then call CommitBytes with
  /// its length, or nothing to drop it. Null, and full(), when it does not fit.
  char* GrowBytes(size_t bytes) {
    assert(IsVariableWidth(type_));
    if (length_ == row_capacity_ && !GrowRows(1)) return nullptr;
    if (byte_capacity_ - byte_count_ < bytes + kGrowSlack && !GrowByteStore(bytes)) return nullptr;
    return reinterpret_cast<char*>(values_.get()) + byte_count_;
  }
  void CommitBytes(size_t bytes) {
    byte_count_ += bytes;
    reinterpret_cast<int32_t*>(offsets_.get())[length_ + 1] = static_cast<int32_t>(byte_count_);
    AppendedValid();
  }
  static constexpr size_t kGrowSlack = 16;

  /// Value `row` of a column of the same type, null or not.
  void AppendRow(const Column& column, size_t row);
  /// These rows of a column of the same type; all or (full()) none.
  void AppendRows(const Column& column, std::span<const uint32_t> rows);

  /// Drops all values from `length` on; the builder is no longer full().
  void Truncate(size_t length);

  Column Finish();

 private:
  struct FreeDeleter {
    void operator()(uint8_t* block) const { std::free(block); }
  };
  using Block = std::unique_ptr<uint8_t[], FreeDeleter>;

  template <class T>
  void AppendFixed([[maybe_unused]] DataType type, T value) {
    assert(type_ == type);
    if (length_ == row_capacity_ && !GrowRows(1)) return;
    reinterpret_cast<T*>(values_.get())[length_] = value;
    AppendedValid();
  }
  void AppendedValid() {
    if (validity_ != nullptr) SetValid(length_);
    ++length_;
  }
  void SetValid(size_t row) { validity_[row >> 3] |= static_cast<uint8_t>(1u << (row & 7)); }

  bool GrowRows(size_t rows);
  bool GrowByteStore(size_t bytes);
  void EnsureValidity();
  template <class T>
  void GatherFixed(const Column& column, std::span<const uint32_t> rows);
  void GatherBytes(const Column& column, std::span<const uint32_t> rows);
  static void Resize(Block& block, size_t bytes);
  static Buffer TakeBuffer(Block block, size_t used, size_t capacity);

  DataType type_;
  bool full_ = false;
  size_t max_bytes_;
  size_t length_ = 0;
  size_t null_count_ = 0;
  size_t row_capacity_ = 0;
  size_t byte_count_ = 0;     // strings and bytes: used and allocated bytes of values_
  size_t byte_capacity_ = 0;  //
  size_t mean_bytes_ = 0;     // of a value in the last finished column
  Block values_;
  Block offsets_;
  Block validity_;  // null until the first null
};

}  // namespace weir

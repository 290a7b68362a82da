#include "common/types/column_builder.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"

namespace weir {
namespace {

constexpr size_t kMinRows = 64;
constexpr size_t kMinBytes = 512;

size_t ValidityBytes(size_t rows) { return (rows + 7) / 8; }

}  // namespace

ColumnBuilder::ColumnBuilder(DataType type, size_t max_bytes)
    : type_(type), max_bytes_(std::min(max_bytes, kMaxColumnBytes)) {}

size_t ColumnBuilder::size_bytes() const {
  const size_t validity_bytes = validity_ == nullptr ? 0 : ValidityBytes(length_);
  if (!IsVariableWidth(type_)) return validity_bytes + length_ * FixedWidth(type_);
  return validity_bytes + byte_count_ + (length_ == 0 ? 0 : (length_ + 1) * sizeof(int32_t));
}

absl::Status ColumnBuilder::status() const {
  if (!full_) return absl::OkStatus();
  return absl::ResourceExhaustedError("a column of type " + std::string(DataTypeName(type_)) +
                                      " would exceed its limit of " + std::to_string(max_bytes_) +
                                      " bytes after " + std::to_string(length_) + " rows");
}

void ColumnBuilder::Resize(Block& block, size_t bytes) {
  auto* moved = static_cast<uint8_t*>(std::realloc(block.get(), bytes));
  WEIR_CHECK(moved != nullptr) << "out of memory for a column buffer of " << bytes << " bytes";
  (void)block.release();
  block.reset(moved);
}

bool ColumnBuilder::GrowRows(size_t rows) {
  const bool variable = IsVariableWidth(type_);
  const size_t width = variable ? sizeof(int32_t) : FixedWidth(type_);
  const size_t limit = max_bytes_ / width - (variable && max_bytes_ >= width ? 1 : 0);
  if (rows > limit || length_ > limit - rows) {
    full_ = true;
    return false;
  }
  const size_t capacity = std::min(limit, std::max({length_ + rows, row_capacity_ * 2, kMinRows}));
  if (variable) {
    const bool first = offsets_ == nullptr;
    Resize(offsets_, (capacity + 1) * sizeof(int32_t));
    if (first) reinterpret_cast<int32_t*>(offsets_.get())[0] = 0;
  } else {
    Resize(values_, capacity * width);
  }
  if (validity_ != nullptr) {
    const size_t old_bytes = ValidityBytes(row_capacity_);
    Resize(validity_, ValidityBytes(capacity));
    std::memset(validity_.get() + old_bytes, 0, ValidityBytes(capacity) - old_bytes);
  }
  row_capacity_ = capacity;
  return true;
}

bool ColumnBuilder::GrowByteStore(size_t bytes) {
  if (bytes > max_bytes_ || byte_count_ > max_bytes_ - bytes) {
    full_ = true;
    return false;
  }
  const size_t wanted = std::max({byte_count_ + bytes, byte_capacity_ * 2, kMinBytes});
  byte_capacity_ = std::min(max_bytes_, wanted) + kGrowSlack;
  Resize(values_, byte_capacity_);
  return true;
}

void ColumnBuilder::Reserve(size_t rows) {
  const bool was_full = full_;
  if (row_capacity_ - length_ < rows) GrowRows(rows);
  if (IsVariableWidth(type_)) {
    const size_t bytes = rows * (mean_bytes_ + 1);
    if (byte_capacity_ < byte_count_ + bytes + kGrowSlack) GrowByteStore(bytes);
  }
  full_ = was_full;
}

void ColumnBuilder::EnsureValidity() {
  if (validity_ != nullptr) return;
  Resize(validity_, ValidityBytes(row_capacity_));
  std::memset(validity_.get(), 0, ValidityBytes(row_capacity_));
  std::memset(validity_.get(), 0xff, length_ / 8);
  for (size_t row = length_ / 8 * 8; row < length_; ++row) SetValid(row);
}

void ColumnBuilder::AppendNull() {
  if (length_ == row_capacity_ && !GrowRows(1)) return;
  EnsureValidity();
  if (IsVariableWidth(type_)) {
    if (values_ == nullptr && !GrowByteStore(0)) return;
    reinterpret_cast<int32_t*>(offsets_.get())[length_ + 1] = static_cast<int32_t>(byte_count_);
  } else {
    const size_t width = FixedWidth(type_);
    std::memset(values_.get() + length_ * width, 0, width);
  }
  ++null_count_;
  ++length_;
}

void ColumnBuilder::AppendRow(const Column& column, size_t row) {
  WEIR_CHECK(column.type() == type_)
      << DataTypeName(column.type()) << " appended to " << DataTypeName(type_);
  if (column.IsNull(row)) {
    AppendNull();
    return;
  }
  switch (type_) {
    case DataType::kBool:
      AppendBool(column.bools()[row] != 0);
      break;
    case DataType::kInt32:
      AppendInt32(column.int32s()[row]);
      break;
    case DataType::kInt64:
    case DataType::kTimestamp:
      AppendInt64(column.int64s()[row]);
      break;
    case DataType::kFloat64:
      AppendFloat64(column.float64s()[row]);
      break;
    case DataType::kString:
    case DataType::kBytes:
      AppendBytes(column.StringAt(row));
      break;
  }
}

template <class T>
void ColumnBuilder::GatherFixed(const Column& column, std::span<const uint32_t> rows) {
  const T* from = column.buffers().values.as<T>();
  T* to = reinterpret_cast<T*>(values_.get()) + length_;
  for (size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
}

void ColumnBuilder::GatherBytes(const Column& column, std::span<const uint32_t> rows) {
  int32_t* ends = reinterpret_cast<int32_t*>(offsets_.get()) + length_ + 1;
  uint8_t* values = values_.get();
  size_t position = byte_count_;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string_view value = column.StringAt(rows[i]);
    if (!value.empty()) std::memcpy(values + position, value.data(), value.size());
    position += value.size();
    ends[i] = static_cast<int32_t>(position);
  }
  byte_count_ = position;
}

void ColumnBuilder::AppendRows(const Column& column, std::span<const uint32_t> rows) {
  WEIR_CHECK(column.type() == type_)
      << DataTypeName(column.type()) << " appended to " << DataTypeName(type_);
  if (rows.empty()) return;
  if (row_capacity_ - length_ < rows.size() && !GrowRows(rows.size())) return;
  if (IsVariableWidth(type_)) {
    size_t bytes = 0;
    for (const uint32_t row : rows) bytes += column.StringAt(row).size();
    if (byte_capacity_ < byte_count_ + bytes + kGrowSlack && !GrowByteStore(bytes)) return;
    GatherBytes(column, rows);
  } else if (FixedWidth(type_) == 8) {
    GatherFixed<int64_t>(column, rows);
  } else if (FixedWidth(type_) == 4) {
    GatherFixed<int32_t>(column, rows);
  } else {
    GatherFixed<uint8_t>(column, rows);
  }
  if (column.has_nulls()) EnsureValidity();
  if (validity_ != nullptr) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (column.IsNull(rows[i])) {
        ++null_count_;
      } else {
        SetValid(length_ + i);
      }
    }
  }
  length_ += rows.size();
}

void ColumnBuilder::Truncate(size_t length) {
  full_ = false;
  if (length >= length_) return;
  if (IsVariableWidth(type_)) {
    byte_count_ = static_cast<size_t>(reinterpret_cast<int32_t*>(offsets_.get())[length]);
  }
  if (validity_ != nullptr) {
    for (size_t row = length; row < length_; ++row) {
      const auto bit = static_cast<uint8_t>(1u << (row & 7));
      if ((validity_[row >> 3] & bit) == 0) --null_count_;
      validity_[row >> 3] &= static_cast<uint8_t>(~bit);
    }
  }
  length_ = length;
}

Buffer ColumnBuilder::TakeBuffer(Block block, size_t used, size_t capacity) {
  if (block == nullptr) return Buffer();
  // A block sized for a large batch must not travel with a small one.
  if (capacity > 2 * used + kMinBytes) Resize(block, std::max<size_t>(used, 1));
  return Buffer::AdoptMalloc(block.release(), used);
}

Column ColumnBuilder::Finish() {
  WEIR_CHECK(!full_) << "Finish of a column that is full: " << status().message();
  ColumnBuffers buffers;
  if (IsVariableWidth(type_)) {
    if (offsets_ == nullptr) GrowRows(0);
    if (values_ == nullptr) GrowByteStore(0);
    if (length_ > 0) mean_bytes_ = byte_count_ / length_;
    buffers.offsets = TakeBuffer(std::move(offsets_), (length_ + 1) * sizeof(int32_t),
                                 (row_capacity_ + 1) * sizeof(int32_t));
    buffers.values = TakeBuffer(std::move(values_), byte_count_, byte_capacity_);
  } else {
    const size_t width = FixedWidth(type_);
    buffers.values = TakeBuffer(std::move(values_), length_ * width, row_capacity_ * width);
  }
  if (null_count_ > 0) {
    buffers.validity =
        TakeBuffer(std::move(validity_), ValidityBytes(length_), ValidityBytes(row_capacity_));
  }
  Column column(type_, length_, null_count_, std::move(buffers));
  const size_t mean_bytes = mean_bytes_;
  *this = ColumnBuilder(type_, max_bytes_);
  mean_bytes_ = mean_bytes;
  return column;
}

}  // namespace weir

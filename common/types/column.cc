#include "common/types/column.h"

#include <bit>
#include <cstring>
#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"
#include "common/types/column_builder.h"

namespace weir {
namespace {

absl::Status Corrupt(DataType type, size_t length, const std::string& what) {
  return absl::DataLossError("corrupt column of type " + std::string(DataTypeName(type)) +
                             " with " + std::to_string(length) + " rows: " + what);
}

template <class T>
bool Aligned(const Buffer& buffer) {
  return reinterpret_cast<uintptr_t>(buffer.data()) % alignof(T) == 0;
}

absl::Status CheckOffsets(DataType type, size_t length, const ColumnBuffers& buffers) {
  if (buffers.offsets.size() < (length + 1) * sizeof(int32_t)) {
    return Corrupt(type, length,
                   "offsets have " + std::to_string(buffers.offsets.size()) + " bytes");
  }
  if (!Aligned<int32_t>(buffers.offsets)) return Corrupt(type, length, "offsets not aligned");
  const int32_t* offsets = buffers.offsets.as<int32_t>();
  bool rising = offsets[0] >= 0;
  for (size_t i = 0; i < length; ++i) rising &= offsets[i] <= offsets[i + 1];
  if (!rising) return Corrupt(type, length, "offsets do not rise");
  if (static_cast<size_t>(offsets[length]) > buffers.values.size()) {
    return Corrupt(type, length,
                   "offsets end at " + std::to_string(offsets[length]) + " of " +
                       std::to_string(buffers.values.size()) + " bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckFixed(DataType type, size_t length, const ColumnBuffers& buffers) {
  const size_t width = FixedWidth(type);
  if (buffers.values.size() / width < length) {
    return Corrupt(type, length, "values have " + std::to_string(buffers.values.size()) + " bytes");
  }
  if (reinterpret_cast<uintptr_t>(buffers.values.data()) % width != 0) {
    return Corrupt(type, length, "values not aligned");
  }
  if (type == DataType::kBool) {
    uint8_t all = 0;
    for (size_t i = 0; i < length; ++i) all |= buffers.values.data()[i];
    if (all > 1) return Corrupt(type, length, "a bool is neither 0 nor 1");
  }
  return absl::OkStatus();
}

bool ValuesEqual(const Column& a, const Column& b, size_t row) {
  if (a.IsNull(row) || b.IsNull(row)) return a.IsNull(row) == b.IsNull(row);
  if (IsVariableWidth(a.type())) return a.StringAt(row) == b.StringAt(row);
  const size_t width = FixedWidth(a.type());
  return std::memcmp(a.bytes() + row * width, b.bytes() + row * width, width) == 0;
}

}  // namespace

size_t CountValid(const uint8_t* validity, size_t length) {
  size_t count = 0;
  size_t byte = 0;
  for (; byte + 8 <= length / 8; byte += 8) {
    uint64_t word = 0;
    std::memcpy(&word, validity + byte, sizeof(word));
    count += static_cast<size_t>(std::popcount(word));
  }
  for (size_t row = byte * 8; row < length; ++row) {
    count += (validity[row >> 3] >> (row & 7)) & 1;
  }
  return count;
}

absl::Status Column::FromBuffers(DataType type, size_t length, ColumnBuffers buffers, Column* out) {
  if (length > kMaxColumnBytes) return Corrupt(type, length, "more rows than a column may have");
  if (IsVariableWidth(type) && length > 0) {
    if (absl::Status status = CheckOffsets(type, length, buffers); !status.ok()) return status;
  } else if (length > 0) {
    if (absl::Status status = CheckFixed(type, length, buffers); !status.ok()) return status;
  }
  size_t null_count = 0;
  if (!buffers.validity.absent()) {
    if (buffers.validity.size() < (length + 7) / 8) {
      return Corrupt(type, length,
                     "validity has " + std::to_string(buffers.validity.size()) + " bytes");
    }
    null_count = length - CountValid(buffers.validity.data(), length);
    if (null_count == 0) buffers.validity = Buffer();
  }
  *out = Column(type, length, null_count, std::move(buffers));
  return absl::OkStatus();
}

size_t Column::size_bytes() const {
  const size_t validity_bytes = has_nulls() ? (length_ + 7) / 8 : 0;
  if (!IsVariableWidth(type_)) return validity_bytes + length_ * FixedWidth(type_);
  if (length_ == 0) return 0;
  const int32_t* offset = offsets();
  return validity_bytes + (length_ + 1) * sizeof(int32_t) +
         static_cast<size_t>(offset[length_] - offset[0]);
}

Column Column::Slice(size_t first, size_t count) const {
  WEIR_CHECK(first <= length_ && count <= length_ - first)
      << "slice " << first << "+" << count << " of a column of " << length_ << " rows";
  ColumnBuffers part;
  if (IsVariableWidth(type_)) {
    part.values = buffers_.values;
    if (!buffers_.offsets.absent()) {
      part.offsets = buffers_.offsets.Slice(first * sizeof(int32_t), (count + 1) * sizeof(int32_t));
    }
  } else {
    const size_t width = FixedWidth(type_);
    part.values = buffers_.values.Slice(first * width, count * width);
  }
  size_t null_count = 0;
  if (has_nulls()) {
    if (first % 8 == 0) {
      part.validity = buffers_.validity.Slice(first / 8, (count + 7) / 8);
    } else {
      std::vector<uint8_t> bits((count + 7) / 8, 0);
      for (size_t i = 0; i < count; ++i) {
        if (!IsNull(first + i)) bits[i >> 3] |= static_cast<uint8_t>(1u << (i & 7));
      }
      part.validity = Buffer::FromVector(std::move(bits));
    }
    null_count = count - CountValid(part.validity.data(), count);
    if (null_count == 0) part.validity = Buffer();
  }
  return Column(type_, count, null_count, std::move(part));
}

Column Column::Take(std::span<const uint32_t> rows) const {
  ColumnBuilder builder(type_);
  builder.AppendRows(*this, rows);
  return builder.Finish();
}

bool Column::Equals(const Column& other) const {
  if (type_ != other.type_ || length_ != other.length_ || null_count_ != other.null_count_) {
    return false;
  }
  for (size_t row = 0; row < length_; ++row) {
    if (!ValuesEqual(*this, other, row)) return false;
  }
  return true;
}

}  // namespace weir

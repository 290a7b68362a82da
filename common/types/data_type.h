#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

/// The type of a column. The numbers are part of the exchange and snapshot formats: never reuse
/// one.
enum class DataType : uint8_t {
  kBool = 0,       // one byte per value, 0 or 1
  kInt32 = 1,      //
  kInt64 = 2,      //
  kFloat64 = 3,    // IEEE 754
  kString = 4,     // bytes that should be UTF-8; 32-bit offsets
  kBytes = 5,      // any bytes; 32-bit offsets
  kTimestamp = 6,  // int64, microseconds since the epoch, UTC
};

/// "bool", "int32", "int64", "float64", "string", "bytes", "timestamp".
std::string_view DataTypeName(DataType type);
std::optional<DataType> DataTypeFromName(std::string_view name);

/// The type with this number, for decoding; nothing when there is none.
std::optional<DataType> DataTypeFromNumber(int number);

/// Strings and bytes: values have a length each, and the column has offsets.
constexpr bool IsVariableWidth(DataType type) {
  return type == DataType::kString || type == DataType::kBytes;
}

/// Bytes of one value; 0 for types of variable width.
constexpr size_t FixedWidth(DataType type) {
  switch (type) {
    case DataType::kBool:
      return 1;
    case DataType::kInt32:
      return 4;
    case DataType::kInt64:
    case DataType::kFloat64:
    case DataType::kTimestamp:
      return 8;
    case DataType::kString:
    case DataType::kBytes:
      return 0;
  }
  return 0;
}

}  // namespace weir

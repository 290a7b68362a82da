#include "common/types/data_type.h"

#include <array>

namespace weir {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"bool",   "int32", "int64",    "float64",
                                                    "string", "bytes", "timestamp"};

}  // namespace

std::string_view DataTypeName(DataType type) {
  const auto number = static_cast<size_t>(type);
  return number < kNames.size() ? kNames[number] : "unknown";
}

std::optional<DataType> DataTypeFromName(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

std::optional<DataType> DataTypeFromNumber(int number) {
  if (number < 0 || number >= static_cast<int>(kNames.size())) return std::nullopt;
  return static_cast<DataType>(number);
}

}  // namespace weir

#include "connectors/kafka/wire/wire_writer.h"

#include <limits>

#include "common/base/check.h"

namespace weir::kafka {
namespace {

constexpr size_t kMaxString = std::numeric_limits<int16_t>::max();
constexpr size_t kMaxLength = std::numeric_limits<int32_t>::max() - 1;

}  // namespace

void WireWriter::BigEndian(uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<char>(value >> shift));
  }
}

void WireWriter::Uvarint(uint32_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<char>(value));
}

void WireWriter::Varint(int32_t value) {
  Uvarint((static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31));
}

void WireWriter::String(absl::string_view value) {
  WEIR_CHECK(value.size() <= kMaxString) << "a string of " << value.size() << " bytes";
  Int16(static_cast<int16_t>(value.size()));
  Raw(value);
}

void WireWriter::NullableString(const std::optional<std::string>& value) {
  if (value.has_value()) {
    String(*value);
  } else {
    Int16(-1);
  }
}

void WireWriter::CompactString(absl::string_view value) {
  CompactArrayLength(value.size());
  Raw(value);
}

void WireWriter::CompactNullableString(const std::optional<std::string>& value) {
  CompactNullableBytes(value);
}

void WireWriter::NullableBytes(const std::optional<std::string>& value) {
  ArrayLength(value.has_value() ? std::optional(value->size()) : std::nullopt);
  if (value.has_value()) Raw(*value);
}

void WireWriter::CompactNullableBytes(const std::optional<std::string>& value) {
  CompactArrayLength(value.has_value() ? std::optional(value->size()) : std::nullopt);
  if (value.has_value()) Raw(*value);
}

void WireWriter::ArrayLength(std::optional<size_t> count) {
  WEIR_CHECK(count.value_or(0) <= kMaxLength) << "a length of " << *count;
  Int32(count.has_value() ? static_cast<int32_t>(*count) : -1);
}

void WireWriter::CompactArrayLength(std::optional<size_t> count) {
  WEIR_CHECK(count.value_or(0) <= kMaxLength) << "a length of " << *count;
  Uvarint(count.has_value() ? static_cast<uint32_t>(*count) + 1 : 0);
}

}  // namespace weir::kafka

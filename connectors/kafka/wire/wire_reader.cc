#include "connectors/kafka/wire/wire_reader.h"

#include "absl/strings/str_cat.h"

namespace weir::kafka {

void WireReader::Fail(absl::string_view what, absl::string_view problem) {
  if (!ok()) return;
  status_ = absl::DataLossError(
      absl::StrCat(what, ": ", problem, " at byte ", position_, " of ", input_.size()));
}

absl::string_view WireReader::Raw(size_t bytes, absl::string_view what) {
  if (!ok()) return {};
  if (bytes > remaining()) {
    Fail(what, "truncated");
    return {};
  }
  const absl::string_view result = input_.substr(position_, bytes);
  position_ += bytes;
  return result;
}

uint64_t WireReader::BigEndian(size_t bytes, absl::string_view what) {
  uint64_t value = 0;
  for (const char byte : Raw(bytes, what)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

uint32_t WireReader::Uvarint(absl::string_view what) {
  uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const auto byte = static_cast<uint8_t>(Int8(what));
    if (!ok()) return 0;
    if (shift == 28 && (byte & 0xf0) != 0) break;
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  Fail(what, "a variable-length integer of more than 32 bits");
  return 0;
}

int32_t WireReader::Varint(absl::string_view what) {
  const uint32_t raw = Uvarint(what);
  return static_cast<int32_t>((raw >> 1) ^ (~(raw & 1) + 1));
}

std::optional<size_t> WireReader::Length(int64_t length, absl::string_view what) {
  if (!ok() || length == -1) return std::nullopt;
  if (length < 0) {
    Fail(what, absl::StrCat("a length of ", length));
    return std::nullopt;
  }
  if (static_cast<uint64_t>(length) > remaining()) {
    Fail(what, absl::StrCat("truncated: a length of ", length));
    return std::nullopt;
  }
  return static_cast<size_t>(length);
}

std::optional<absl::string_view> WireReader::Sized(std::optional<size_t> length,
                                                   absl::string_view what) {
  if (!length.has_value()) return std::nullopt;
  return Raw(*length, what);
}

absl::string_view WireReader::NotNull(std::optional<absl::string_view> value,
                                      absl::string_view what) {
  if (value.has_value()) return *value;
  Fail(what, "null");
  return {};
}

absl::string_view WireReader::String(absl::string_view what) {
  return NotNull(NullableString(what), what);
}

std::optional<absl::string_view> WireReader::NullableString(absl::string_view what) {
  return Sized(Length(Int16(what), what), what);
}

absl::string_view WireReader::CompactString(absl::string_view what) {
  return NotNull(CompactNullableString(what), what);
}

std::optional<absl::string_view> WireReader::CompactNullableString(absl::string_view what) {
  return CompactNullableBytes(what);
}

std::optional<absl::string_view> WireReader::NullableBytes(absl::string_view what) {
  return Sized(ArrayLength(what), what);
}

std::optional<absl::string_view> WireReader::CompactNullableBytes(absl::string_view what) {
  return Sized(CompactArrayLength(what), what);
}

std::optional<size_t> WireReader::ArrayLength(absl::string_view what) {
  return Length(Int32(what), what);
}

std::optional<size_t> WireReader::CompactArrayLength(absl::string_view what) {
  return Length(static_cast<int64_t>(Uvarint(what)) - 1, what);
}

void WireReader::SkipTaggedFields(absl::string_view what) {
  uint32_t fields = Uvarint(what);
  for (; fields > 0 && ok(); --fields) {
    Uvarint(what);
    Raw(Uvarint(what), what);
  }
}

}  // namespace weir::kafka

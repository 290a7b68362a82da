#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir::kafka {

/// Appends Kafka's primitive types to a string: big-endian integers, strings and bytes with their
/// lengths, arrays' lengths, variable-length integers. Source: Kafka's protocol guide, "Protocol
/// Primitive Types" (kafka.apache.org/protocol), and org.apache.kafka.common.utils.ByteUtils.
///
/// Lengths that the format cannot hold (a classic string above 32,767 bytes) are bugs of the
/// caller and abort. Threads: one at a time.
class WireWriter {
 public:
  void Int8(int8_t value) { BigEndian(static_cast<uint8_t>(value), 1); }
  void Int16(int16_t value) { BigEndian(static_cast<uint16_t>(value), 2); }
  void Int32(int32_t value) { BigEndian(static_cast<uint32_t>(value), 4); }
  void Int64(int64_t value) { BigEndian(static_cast<uint64_t>(value), 8); }
  void Bool(bool value) { Int8(value ? 1 : 0); }
  void Uvarint(uint32_t value);
  /// Zigzag.
  void Varint(int32_t value);

  void String(absl::string_view value);
  void NullableString(const std::optional<std::string>& value);
  void CompactString(absl::string_view value);
  void CompactNullableString(const std::optional<std::string>& value);
  void NullableBytes(const std::optional<std::string>& value);
  void CompactNullableBytes(const std::optional<std::string>& value);
  /// The length in front of the elements; absent: a null array.
  void ArrayLength(std::optional<size_t> count);
  void CompactArrayLength(std::optional<size_t> count);
  /// A section of tagged fields with nothing in it: we have none to send.
  void NoTaggedFields() { Uvarint(0); }
  void Raw(absl::string_view bytes) { bytes_.append(bytes.data(), bytes.size()); }

  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  void BigEndian(uint64_t value, int bytes);

  std::string bytes_;
};

}  // namespace weir::kafka

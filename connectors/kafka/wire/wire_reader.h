#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir::kafka {

/// Reads Kafka's primitive types (see WireWriter) from bytes that may be anything. It never looks
/// behind the end, and no length it returns is larger than what is left of the input, so that a
/// caller who allocates by it is bounded by the input.
///
/// Errors are sticky: after the first one every call returns a zero or something empty, and
/// status() is DATA_LOSS naming `what` was being read and at which byte. So a caller may read a
/// whole structure and look once.
/// Lifetime: strings and bytes are views into the input. Threads: one at a time.
class WireReader {
 public:
  explicit WireReader(absl::string_view input) : input_(input) {}

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }
  size_t position() const { return position_; }
  size_t remaining() const { return input_.size() - position_; }

  int8_t Int8(absl::string_view what) { return static_cast<int8_t>(BigEndian(1, what)); }
  int16_t Int16(absl::string_view what) { return static_cast<int16_t>(BigEndian(2, what)); }
  int32_t Int32(absl::string_view what) { return static_cast<int32_t>(BigEndian(4, what)); }
  int64_t Int64(absl::string_view what) { return static_cast<int64_t>(BigEndian(8, what)); }
  /// Any byte but 0 is true, as in Kafka.
  bool Bool(absl::string_view what) { return Int8(what) != 0; }
  uint32_t Uvarint(absl::string_view what);
  int32_t Varint(absl::string_view what);

  /// A null where the type knows none is an error.
  absl::string_view String(absl::string_view what);
  std::optional<absl::string_view> NullableString(absl::string_view what);
  absl::string_view CompactString(absl::string_view what);
  std::optional<absl::string_view> CompactNullableString(absl::string_view what);
  std::optional<absl::string_view> NullableBytes(absl::string_view what);
  std::optional<absl::string_view> CompactNullableBytes(absl::string_view what);
  /// The number of elements, each of at least one byte; absent: a null array.
  std::optional<size_t> ArrayLength(absl::string_view what);
  std::optional<size_t> CompactArrayLength(absl::string_view what);
  /// Reads over a section of tagged fields, whatever is in it.
  void SkipTaggedFields(absl::string_view what);
  absl::string_view Raw(size_t bytes, absl::string_view what);

  /// An error of the caller's own about the value just read.
  void Fail(absl::string_view what, absl::string_view problem);

 private:
  uint64_t BigEndian(size_t bytes, absl::string_view what);
  // -1: null; otherwise not above remaining().
  std::optional<size_t> Length(int64_t length, absl::string_view what);
  std::optional<absl::string_view> Sized(std::optional<size_t> length, absl::string_view what);
  absl::string_view NotNull(std::optional<absl::string_view> value, absl::string_view what);

  absl::string_view input_;
  size_t position_ = 0;
  absl::Status status_;
};

}  // namespace weir::kafka

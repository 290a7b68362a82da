#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/formats/format.h"

namespace weir {

struct JsonOptions {
  /// How timestamps are written, and what a number means where one is read (milliseconds, except
  /// with kEpochMicros). Texts of both forms are always read.
  enum class Timestamps : uint8_t {
    kSql,          // "2001-01-01 00:01:00.5", UTC; Flink's default
    kIso8601,      // "2001-01-01T00:01:00.5Z"
    kEpochMillis,  // 978307260500; what lies below a millisecond is cut off
    kEpochMicros,  // 978307260500000
  };
  Timestamps timestamps = Timestamps::kSql;
};

/// Reads JSON objects (RFC 8259, UTF-8) into columns, one field per key, other keys skipped.
///
/// A scanner shaped by the schema: it expects the keys in the order in which the last record had
/// them, compares instead of searching, and writes strings straight into the column. The whole text
/// is validated all the same. Only the fields of the schema are materialised.
///
///   bool true/false · int32, int64 whole numbers in range, without fraction and exponent · float64
///   any number in range · string text · bytes base64 · timestamp see JsonOptions
///
/// A key that is absent is a null where the field is nullable. Of a key that appears twice the last
/// value counts, as in Flink (Jackson); an earlier one of the wrong type still fails the record.
/// Nothing is converted between types (no 1.0 for 1, no "1" for 1). Nesting in skipped values is
/// bounded by kMaxJsonDepth.
///
/// Threads and errors: see Deserializer. Reasons name the field, the types and the byte position.
class JsonDeserializer : public Deserializer {
 public:
  explicit JsonDeserializer(SchemaPtr schema, JsonOptions options = {});
  ~JsonDeserializer() override;
  absl::Status Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                           std::vector<DecodeError>* failed) override;

 private:
  class Scanner;
  SchemaPtr schema_;
  std::unique_ptr<Scanner> scanner_;
};

/// Writes one object per row: all fields in schema order, without blanks. Numbers are the shortest
/// that read back equal. A null is null, and so are NaN and infinities (JSON has none; a field that
/// is not nullable then fails to be read back). A string that is not UTF-8 gets U+FFFD for each
/// byte that is wrong, as a Java program would make of it.
///
/// Threads and errors: see Serializer. INVALID_ARGUMENT for a timestamp outside of the years
/// 0000...9999 when it is written as text.
class JsonSerializer : public Serializer {
 public:
  explicit JsonSerializer(SchemaPtr schema, JsonOptions options = {});
  absl::Status Serialize(const Batch& batch, ByteRows* out) override;

 private:
  /// The value is appended at `to`; returns where it ends, null when it cannot be written.
  char* WriteValue(const Column& column, size_t row, char* to) const;
  char* WriteTimestamp(int64_t micros, char* to) const;

  SchemaPtr schema_;
  JsonOptions options_;
  std::vector<std::string> prefixes_;  // {"a": and ,"b": and so on, padded to full 16 bytes
  std::vector<size_t> prefix_sizes_;
  size_t fixed_bytes_ = 0;  // of a row, without the contents of strings
};

/// Objects and arrays may be nested this deep (as in simdjson).
inline constexpr int kMaxJsonDepth = 1024;

}  // namespace weir

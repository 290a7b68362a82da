#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "connectors/kafka/wire/wire_reader.h"
#include "connectors/kafka/wire/wire_writer.h"

namespace weir::kafka {

/// Writes the fields of one message. It and WireDecoder have the same functions, so that a message
/// lists its fields once, in a template over the two. `flexible` (KIP-482) is a property of API and
/// version: compact lengths, and tagged fields behind every structure.
class WireEncoder {
 public:
  WireEncoder(WireWriter& writer, bool flexible) : writer_(writer), flexible_(flexible) {}

  void Int8(int8_t value, absl::string_view /*name*/) { writer_.Int8(value); }
  void Int16(int16_t value, absl::string_view /*name*/) { writer_.Int16(value); }
  void Int32(int32_t value, absl::string_view /*name*/) { writer_.Int32(value); }
  void Int64(int64_t value, absl::string_view /*name*/) { writer_.Int64(value); }
  void Bool(bool value, absl::string_view /*name*/) { writer_.Bool(value); }
  void String(const std::string& value, absl::string_view /*name*/) {
    flexible_ ? writer_.CompactString(value) : writer_.String(value);
  }
  void NullableString(const std::optional<std::string>& value, absl::string_view /*name*/) {
    flexible_ ? writer_.CompactNullableString(value) : writer_.NullableString(value);
  }
  void NullableBytes(const std::optional<std::string>& value, absl::string_view /*name*/) {
    flexible_ ? writer_.CompactNullableBytes(value) : writer_.NullableBytes(value);
  }
  template <class T, class F>
  void Array(const std::vector<T>& values, absl::string_view /*name*/, F each) {
    flexible_ ? writer_.CompactArrayLength(values.size()) : writer_.ArrayLength(values.size());
    for (const T& value : values) each(value);
  }
  template <class T, class F>
  void NullableArray(const std::optional<std::vector<T>>& values, absl::string_view name, F each) {
    if (values.has_value()) return Array(*values, name, each);
    flexible_ ? writer_.CompactArrayLength(std::nullopt) : writer_.ArrayLength(std::nullopt);
  }
  void EndOfStructure() {
    if (flexible_) writer_.NoTaggedFields();
  }

 private:
  WireWriter& writer_;
  bool flexible_;
};

/// Reads what WireEncoder writes. Sticky errors, see WireReader; elements of an array are appended
/// one by one as they are read, so that a false length costs no memory.
class WireDecoder {
 public:
  WireDecoder(WireReader& reader, bool flexible) : reader_(reader), flexible_(flexible) {}

  void Int8(int8_t& value, absl::string_view name) { value = reader_.Int8(name); }
  void Int16(int16_t& value, absl::string_view name) { value = reader_.Int16(name); }
  void Int32(int32_t& value, absl::string_view name) { value = reader_.Int32(name); }
  void Int64(int64_t& value, absl::string_view name) { value = reader_.Int64(name); }
  void Bool(bool& value, absl::string_view name) { value = reader_.Bool(name); }
  void String(std::string& value, absl::string_view name) {
    value = std::string(flexible_ ? reader_.CompactString(name) : reader_.String(name));
  }
  void NullableString(std::optional<std::string>& value, absl::string_view name) {
    Assign(value, flexible_ ? reader_.CompactNullableString(name) : reader_.NullableString(name));
  }
  void NullableBytes(std::optional<std::string>& value, absl::string_view name) {
    Assign(value, flexible_ ? reader_.CompactNullableBytes(name) : reader_.NullableBytes(name));
  }
  template <class T, class F>
  void Array(std::vector<T>& values, absl::string_view name, F each) {
    const std::optional<size_t> count = Count(name);
    if (!count.has_value()) return reader_.Fail(name, "null");
    Elements(values, *count, each);
  }
  template <class T, class F>
  void NullableArray(std::optional<std::vector<T>>& values, absl::string_view name, F each) {
    const std::optional<size_t> count = Count(name);
    values.reset();
    if (count.has_value()) Elements(values.emplace(), *count, each);
  }
  void EndOfStructure() {
    if (flexible_) reader_.SkipTaggedFields("tagged fields");
  }

 private:
  static void Assign(std::optional<std::string>& to, std::optional<absl::string_view> from) {
    to = from.has_value() ? std::optional(std::string(*from)) : std::nullopt;
  }
  std::optional<size_t> Count(absl::string_view name) {
    return flexible_ ? reader_.CompactArrayLength(name) : reader_.ArrayLength(name);
  }
  template <class T, class F>
  void Elements(std::vector<T>& values, size_t count, F each) {
    values.clear();
    for (size_t i = 0; i < count && reader_.ok(); ++i) each(values.emplace_back());
  }

  WireReader& reader_;
  bool flexible_;
};

/// A message is a struct with `kApi` (ApiDefinition), `kName` ("EndTxn request") and a template
/// `Fields(codec, version, message)` that lists its fields in wire order. `version` must be within
/// kApi's range.
template <class Message>
void EncodeMessage(const Message& message, int16_t version, WireWriter& writer) {
  WireEncoder encoder(writer, Message::kApi.Flexible(version));
  Message::Fields(encoder, version, message);
}

/// Decodes one whole message. DATA_LOSS naming the message and the field; bytes left over are an
/// error, too: they mean that we misread the version.
template <class Message>
absl::StatusOr<Message> DecodeMessage(int16_t version, absl::string_view body) {
  WireReader reader(body);
  WireDecoder decoder(reader, Message::kApi.Flexible(version));
  Message message;
  Message::Fields(decoder, version, message);
  if (reader.ok() && reader.remaining() > 0) {
    reader.Fail("end", absl::StrCat(reader.remaining(), " bytes too many"));
  }
  if (!reader.ok()) {
    return absl::DataLossError(absl::StrCat(Message::kName, ": ", reader.status().message()));
  }
  return message;
}

}  // namespace weir::kafka

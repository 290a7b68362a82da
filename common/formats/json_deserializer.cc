#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "absl/status/status.h"

#include "common/base/status_macros.h"
#include "common/formats/base64.h"
#include "common/formats/json_cursor.h"
#include "common/formats/json_format.h"
#include "common/formats/timestamp_text.h"

namespace weir {
namespace {

using internal::JsonCursor;
using internal::JsonOutcome;

constexpr int kSkip = -1;
constexpr size_t kMaxLearnedKeys = 256;
constexpr size_t kMaxLearnedKeyBytes = 64;
constexpr size_t kPrefix = 16;

const char* KindName(char first) {
  switch (first) {
    case '"':
      return "string";
    case '{':
      return "object";
    case '[':
      return "array";
    case 't':
    case 'f':
      return "bool";
    case 'n':
      return "null";
    default:
      return "number";
  }
}

/// A key as the last record had it at this place, with its closing quote; empty: not learned.
struct LearnedKey {
  std::array<char, kPrefix> prefix{};
  int prefix_bits = 0;  // which bytes of the prefix count
  int field = kSkip;
  std::string text;

  void Set(std::string_view key, int new_field) {
    text.assign(key);
    text += '"';
    field = new_field;
    const size_t size = std::min(text.size(), kPrefix);
    std::memcpy(prefix.data(), text.data(), size);
    prefix_bits = (1 << size) - 1;
  }
  WEIR_JSON_HOT bool Matches(const char* position, size_t remaining) const {
    if (text.empty() || remaining < text.size()) return false;
    if (remaining < kPrefix) return std::memcmp(position, text.data(), text.size()) == 0;
    const __m128i have = _mm_loadu_si128(reinterpret_cast<const __m128i*>(position));
    const __m128i want = _mm_loadu_si128(reinterpret_cast<const __m128i*>(prefix.data()));
    const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(have, want));
    if ((equal & prefix_bits) != prefix_bits) return false;
    return text.size() <= kPrefix ||
           std::memcmp(position + kPrefix, text.data() + kPrefix, text.size() - kPrefix) == 0;
  }
};

}  // namespace

/// The state of reading: the keys as last seen, scratch space, and the record being read.
class JsonDeserializer::Scanner {
 public:
  Scanner(const Schema& schema, JsonOptions options) : schema_(schema), options_(options) {}

  /// Reads one object into the builder's columns; on failure the row is left half written.
  JsonOutcome ReadRow(JsonCursor& cursor, BatchBuilder& out);
  /// Why ReadRow failed; for kNull after the end of the object, that a key is missing.
  std::string Reason(JsonOutcome outcome, const JsonCursor& cursor) const;

 private:
  JsonOutcome ReadMembers(JsonCursor& cursor, BatchBuilder& out);
  WEIR_JSON_HOT JsonOutcome ReadMember(JsonCursor& cursor, BatchBuilder& out, size_t* place);
  JsonOutcome FinishRow(BatchBuilder& out);
  WEIR_JSON_HOT bool ReadKey(JsonCursor& cursor, size_t* place, int* field);
  bool ReadUnexpectedKey(JsonCursor& cursor, size_t place, int* field);
  WEIR_JSON_HOT JsonOutcome ReadValue(JsonCursor& cursor, DataType type, ColumnBuilder& column);
  WEIR_JSON_HOT JsonOutcome ReadText(JsonCursor& cursor, ColumnBuilder& column);
  JsonOutcome ReadRareValue(JsonCursor& cursor, DataType type, ColumnBuilder& column);
  JsonOutcome ReadBase64(JsonCursor& cursor, ColumnBuilder& column);
  JsonOutcome ReadTimestamp(JsonCursor& cursor, ColumnBuilder& column);
  JsonOutcome ReadScratch(JsonCursor& cursor, std::string_view* text);

  const Schema& schema_;
  const JsonOptions options_;
  std::vector<LearnedKey> learned_;
  std::string scratch_;
  int failed_field_ = kSkip;  // of the last failure
  bool missing_ = false;      // the field had no key at all
};

bool JsonDeserializer::Scanner::ReadKey(JsonCursor& cursor, size_t* place, int* field) {
  // The key of this place, or, where one was left out, of the next.
  for (size_t ahead = 0; ahead < 2 && *place + ahead < learned_.size(); ++ahead) {
    const LearnedKey& key = learned_[*place + ahead];
    if (key.Matches(cursor.position(), cursor.remaining())) {
      cursor.Advance(key.text.size());
      *place += ahead + 1;
      *field = key.field;
      return true;
    }
  }
  int cold_field = kSkip;
  const size_t cold_place = (*place)++;
  const bool ok = cursor.Cold([this, cold_place, &cold_field](JsonCursor& cold) {
    return ReadUnexpectedKey(cold, cold_place, &cold_field);
  });
  *field = cold_field;
  return ok;
}

bool JsonDeserializer::Scanner::ReadUnexpectedKey(JsonCursor& cursor, size_t place, int* field) {
  const char* first = cursor.position();
  if (scratch_.size() < cursor.remaining()) scratch_.resize(cursor.remaining());
  size_t length = 0;
  if (!cursor.ReadString(scratch_.data(), &length)) return false;
  const std::string_view key(scratch_.data(), length);
  const std::optional<size_t> index = schema_.IndexOf(key);
  *field = index.has_value() ? static_cast<int>(*index) : kSkip;
  const bool escaped = static_cast<size_t>(cursor.position() - first) != length + 1;
  if (escaped || length > kMaxLearnedKeyBytes || place >= kMaxLearnedKeys) return true;
  if (place >= learned_.size()) learned_.resize(place + 1);
  learned_[place].Set(key, *field);
  return true;
}

JsonOutcome JsonDeserializer::Scanner::ReadScratch(JsonCursor& cursor, std::string_view* text) {
  if (!cursor.Consume('"')) return cursor.WrongType();
  if (scratch_.size() < cursor.remaining()) scratch_.resize(cursor.remaining());
  size_t length = 0;
  if (!cursor.ReadString(scratch_.data(), &length)) return JsonOutcome::kMalformed;
  *text = std::string_view(scratch_.data(), length);
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadText(JsonCursor& cursor, ColumnBuilder& column) {
  if (!cursor.Consume('"')) return cursor.Cold([](JsonCursor& cold) { return cold.WrongType(); });
  char* room = column.GrowBytes(cursor.remaining());
  if (room == nullptr) return JsonOutcome::kFull;
  size_t length = 0;
  if (!cursor.ReadString(room, &length)) return JsonOutcome::kMalformed;
  column.CommitBytes(length);
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadBase64(JsonCursor& cursor, ColumnBuilder& column) {
  std::string_view text;
  const JsonOutcome outcome = ReadScratch(cursor, &text);
  if (outcome != JsonOutcome::kOk) return outcome;
  char* room = column.GrowBytes(text.size());
  if (room == nullptr) return JsonOutcome::kFull;
  size_t length = 0;
  if (!DecodeBase64(text, room, &length)) return JsonOutcome::kBadText;
  column.CommitBytes(length);
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadTimestamp(JsonCursor& cursor, ColumnBuilder& column) {
  int64_t micros = 0;
  if (cursor.Peek() == '"') {
    std::string_view text;
    const JsonOutcome outcome = ReadScratch(cursor, &text);
    if (outcome != JsonOutcome::kOk) return outcome;
    if (!ParseTimestampText(text, &micros)) return JsonOutcome::kBadText;
  } else {
    const JsonOutcome outcome = cursor.ReadInt64(&micros);
    if (outcome != JsonOutcome::kOk) return outcome;
    constexpr int64_t kMicrosPerMilli = 1000;
    if (options_.timestamps != JsonOptions::Timestamps::kEpochMicros &&
        __builtin_mul_overflow(micros, kMicrosPerMilli, &micros)) {
      return JsonOutcome::kOutOfRange;
    }
  }
  column.AppendInt64(micros);
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadRareValue(JsonCursor& cursor, DataType type,
                                                     ColumnBuilder& column) {
  if (cursor.Peek() == 'n') return cursor.ReadNull();
  JsonOutcome outcome = JsonOutcome::kOk;
  switch (type) {
    case DataType::kBool: {
      bool value = false;
      outcome = cursor.ReadBool(&value);
      if (outcome == JsonOutcome::kOk) column.AppendBool(value);
      return outcome;
    }
    case DataType::kFloat64: {
      double value = 0;
      outcome = cursor.ReadFloat64(&value);
      if (outcome == JsonOutcome::kOk) column.AppendFloat64(value);
      return outcome;
    }
    case DataType::kBytes:
      return ReadBase64(cursor, column);
    case DataType::kTimestamp:
      return ReadTimestamp(cursor, column);
    case DataType::kInt32:
    case DataType::kInt64:
    case DataType::kString:
      break;
  }
  return cursor.WrongType();
}

JsonOutcome JsonDeserializer::Scanner::ReadValue(JsonCursor& cursor, DataType type,
                                                 ColumnBuilder& column) {
  if (cursor.Peek() != 'n') {
    if (type == DataType::kString) return ReadText(cursor, column);
    if (type == DataType::kInt64 || type == DataType::kInt32) {
      int64_t value = 0;
      const JsonOutcome outcome = cursor.ReadInt64(&value);
      if (outcome != JsonOutcome::kOk) return outcome;
      if (type == DataType::kInt64) {
        column.AppendInt64(value);
        return outcome;
      }
      if (value != static_cast<int32_t>(value)) return JsonOutcome::kOutOfRange;
      column.AppendInt32(static_cast<int32_t>(value));
      return outcome;
    }
  }
  return cursor.Cold(
      [this, type, &column](JsonCursor& cold) { return ReadRareValue(cold, type, column); });
}

JsonOutcome JsonDeserializer::Scanner::ReadMember(JsonCursor& cursor, BatchBuilder& out,
                                                  size_t* place) {
  int field = kSkip;
  failed_field_ = kSkip;
  if (!cursor.Consume('"')) {
    cursor.Fail("no key where one is expected");
    return JsonOutcome::kMalformed;
  }
  if (!ReadKey(cursor, place, &field)) return JsonOutcome::kMalformed;
  cursor.SkipSpace();
  if (!cursor.Consume(':')) {
    cursor.Fail("no colon after a key");
    return JsonOutcome::kMalformed;
  }
  cursor.SkipSpace();
  if (field == kSkip) {
    const bool ok = cursor.Cold([](JsonCursor& cold) { return cold.SkipValue(1); });
    return ok ? JsonOutcome::kOk : JsonOutcome::kMalformed;
  }
  failed_field_ = field;
  const auto index = static_cast<size_t>(field);
  ColumnBuilder& column = out.column(index);
  if (column.length() > out.rows()) column.Truncate(out.rows());  // the key appears again
  const JsonOutcome outcome = ReadValue(cursor, schema_.field(index).type, column);
  if (outcome != JsonOutcome::kNull) return outcome;
  if (!schema_.field(index).nullable) return outcome;
  column.AppendNull();
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadMembers(JsonCursor& outer, BatchBuilder& out) {
  JsonCursor cursor = outer;  // whose address nobody takes
  size_t place = 0;
  JsonOutcome outcome = JsonOutcome::kOk;
  while (true) {
    outcome = ReadMember(cursor, out, &place);
    if (outcome != JsonOutcome::kOk) break;
    cursor.SkipSpace();
    if (cursor.Consume('}')) break;
    if (!cursor.Consume(',')) {
      failed_field_ = kSkip;
      cursor.Fail("neither a comma nor an end after a value");
      outcome = JsonOutcome::kMalformed;
      break;
    }
    cursor.SkipSpace();
  }
  outer = cursor;
  return outcome;
}

JsonOutcome JsonDeserializer::Scanner::FinishRow(BatchBuilder& out) {
  const size_t rows = out.rows();
  for (size_t i = 0; i < out.num_columns(); ++i) {
    ColumnBuilder& column = out.column(i);
    if (column.length() == rows && !column.full()) {
      if (!schema_.field(i).nullable) {
        failed_field_ = static_cast<int>(i);
        missing_ = true;
        return JsonOutcome::kNull;
      }
      column.AppendNull();
    }
    if (column.full()) return JsonOutcome::kFull;
  }
  return JsonOutcome::kOk;
}

JsonOutcome JsonDeserializer::Scanner::ReadRow(JsonCursor& cursor, BatchBuilder& out) {
  failed_field_ = kSkip;
  missing_ = false;
  cursor.SkipSpace();
  if (!cursor.Consume('{')) {
    cursor.Fail("no object");
    return JsonOutcome::kMalformed;
  }
  cursor.SkipSpace();
  if (!cursor.Consume('}')) {
    const JsonOutcome outcome = ReadMembers(cursor, out);
    if (outcome != JsonOutcome::kOk) return outcome;
  }
  failed_field_ = kSkip;
  cursor.SkipSpace();
  if (!cursor.AtEnd()) {
    cursor.Fail("more after the object");
    return JsonOutcome::kMalformed;
  }
  return FinishRow(out);
}

std::string JsonDeserializer::Scanner::Reason(JsonOutcome outcome, const JsonCursor& cursor) const {
  const std::string where = " at byte " + std::to_string(cursor.offset());
  if (failed_field_ == kSkip) {
    return "malformed JSON" + where + ": " + cursor.error();
  }
  const Field& field = schema_.field(static_cast<size_t>(failed_field_));
  const std::string name = "field \"" + field.name + "\": ";
  const std::string type(DataTypeName(field.type));
  switch (outcome) {
    case JsonOutcome::kNull:
      return name + (missing_ ? "missing, and the field is not nullable"
                              : "null, but the field is not nullable");
    case JsonOutcome::kWrongType:
      return name + "expected " + type + ", found " + KindName(cursor.Peek()) + where;
    case JsonOutcome::kNotInteger:
      return name + "expected " + type + ", found a number with a fraction or an exponent" + where;
    case JsonOutcome::kOutOfRange:
      return name + "a number outside of the range of " + type + where;
    case JsonOutcome::kBadText:
      return name + (field.type == DataType::kBytes ? "not base64" : "not a timestamp") + where;
    default:
      return name + "malformed JSON" + where + ": " + cursor.error();
  }
}

JsonDeserializer::JsonDeserializer(SchemaPtr schema, JsonOptions options)
    : schema_(std::move(schema)), scanner_(std::make_unique<Scanner>(*schema_, options)) {}

JsonDeserializer::~JsonDeserializer() = default;

absl::Status JsonDeserializer::Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                                           std::vector<DecodeError>* failed) {
  if (out.schema() != schema_ && *out.schema() != *schema_) {
    return absl::InvalidArgumentError("the JSON format was made for schema " + schema_->ToString() +
                                      ", not for " + out.schema()->ToString());
  }
  out.Reserve(payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) {
    if (payloads[i].null) {
      failed->push_back({i, "the payload is null"});
      continue;
    }
    JsonCursor cursor(payloads[i].data, payloads[i].size);
    const JsonOutcome outcome = scanner_->ReadRow(cursor, out);
    if (outcome == JsonOutcome::kOk) {
      out.CommitRow();
      continue;
    }
    absl::Status status = out.status();
    out.RollbackRow();
    WEIR_RETURN_IF_ERROR(status);
    failed->push_back({i, scanner_->Reason(outcome, cursor)});
  }
  return absl::OkStatus();
}

}  // namespace weir

#include <emmintrin.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/status/status.h"
#include "simdjson.h"

#include "common/formats/base64.h"
#include "common/formats/json_format.h"
#include "common/formats/timestamp_text.h"

namespace weir {
namespace {

constexpr size_t kChunk = 16;
constexpr size_t kMaxNumber = 32;  // longest text of any number, bool or null
constexpr size_t kMaxEscape = 6;   // \u001f
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

char* Put(std::string_view text, char* to) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* PutEscaped(uint8_t c, char* to) {
  static constexpr char kHex[] = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = static_cast<char>(c);
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      to = Put("u00", to);
      *to++ = kHex[c >> 4];
      *to++ = kHex[c & 15];
      return to;
  }
}

bool NeedsEscape(uint8_t c) { return c < 0x20 || c == '"' || c == '\\'; }

/// Bytes of the UTF-8 sequence at the beginning of `text`; 0 when there is none.
size_t Utf8SequenceLength(std::string_view text) {
  for (size_t length = 1; length <= std::min<size_t>(4, text.size()); ++length) {
    if (simdjson::validate_utf8(text.data(), length)) return length;
  }
  return 0;
}

/// As PutText, for a text that is not UTF-8.
char* PutRepaired(std::string_view text, char* to) {
  while (!text.empty()) {
    const auto c = static_cast<uint8_t>(text[0]);
    size_t length = 1;
    if (NeedsEscape(c)) {
      to = PutEscaped(c, to);
    } else if (length = Utf8SequenceLength(text); length > 0) {
      to = Put(text.substr(0, length), to);
    } else {
      to = Put(kReplacement, to);
      length = 1;
    }
    text.remove_prefix(length);
  }
  return to;
}

/// The contents of a JSON string. Writes at most kMaxEscape bytes per byte, and overwrites kChunk
/// bytes behind.
char* PutText(std::string_view text, char* to) {
  char* const first = to;
  const char* from = text.data();
  const char* const end = from + text.size();
  int above = 0;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  while (end - from >= 8) {
    const bool whole = end - from >= 16;
    const __m128i chunk = whole ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(from))
                                : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), chunk);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(chunk, control), chunk));
    const int width = whole ? 16 : 8;
    const int stops = _mm_movemask_epi8(special) | 1 << width;
    const int plain = __builtin_ctz(static_cast<unsigned>(stops));
    above |= _mm_movemask_epi8(chunk) & ((1 << plain) - 1);
    from += plain;
    to += plain;
    if (plain < width) to = PutEscaped(static_cast<uint8_t>(*from++), to);
  }
  for (; from < end; ++from) {
    const auto c = static_cast<uint8_t>(*from);
    above |= c & 0x80;
    if (NeedsEscape(c)) {
      to = PutEscaped(c, to);
    } else {
      *to++ = *from;
    }
  }
  if (above == 0 || simdjson::validate_utf8(text.data(), text.size())) return to;
  return PutRepaired(text, first);
}

template <class T>
char* PutNumber(T value, char* to) {
  return std::to_chars(to, to + kMaxNumber, value).ptr;
}

/// At most this many bytes of text for the contents of a string or bytes value.
size_t MaxText(const Column& column, size_t row) {
  if (!IsVariableWidth(column.type())) return 0;
  const size_t size = column.StringAt(row).size();
  return column.type() == DataType::kString ? size * kMaxEscape : Base64Length(size);
}

}  // namespace

JsonSerializer::JsonSerializer(SchemaPtr schema, JsonOptions options)
    : schema_(std::move(schema)), options_(options), fixed_bytes_(kChunk + 2) {
  for (size_t i = 0; i < schema_->num_fields(); ++i) {
    const std::string& name = schema_->field(i).name;
    std::string key(name.size() * kMaxEscape + kChunk, '\0');
    key.resize(static_cast<size_t>(PutText(name, key.data()) - key.data()));
    std::string prefix = (i == 0 ? "{\"" : ",\"") + key + "\":";
    prefix_sizes_.push_back(prefix.size());
    fixed_bytes_ += prefix.size() + kMaxNumber + kMaxTimestampText + 2;
    prefix.resize((prefix.size() + kChunk - 1) / kChunk * kChunk);
    prefixes_.push_back(std::move(prefix));
  }
}

char* JsonSerializer::WriteTimestamp(int64_t micros, char* to) const {
  constexpr int64_t kMicrosPerMilli = 1000;
  switch (options_.timestamps) {
    case JsonOptions::Timestamps::kEpochMicros:
      return PutNumber(micros, to);
    case JsonOptions::Timestamps::kEpochMillis:
      return PutNumber(micros / kMicrosPerMilli - (micros % kMicrosPerMilli < 0 ? 1 : 0), to);
    case JsonOptions::Timestamps::kSql:
    case JsonOptions::Timestamps::kIso8601:
      break;
  }
  const bool iso8601 = options_.timestamps == JsonOptions::Timestamps::kIso8601;
  *to = '"';
  const size_t length = WriteTimestampText(micros, iso8601, to + 1);
  if (length == 0) return nullptr;
  to[length + 1] = '"';
  return to + length + 2;
}

char* JsonSerializer::WriteValue(const Column& column, size_t row, char* to) const {
  if (column.IsNull(row)) return Put("null", to);
  switch (column.type()) {
    case DataType::kBool:
      return Put(column.bools()[row] != 0 ? "true" : "false", to);
    case DataType::kInt32:
      return PutNumber(column.int32s()[row], to);
    case DataType::kInt64:
      return PutNumber(column.int64s()[row], to);
    case DataType::kFloat64: {
      const double value = column.float64s()[row];
      return std::isfinite(value) ? PutNumber(value, to) : Put("null", to);
    }
    case DataType::kString:
      *to++ = '"';
      to = PutText(column.StringAt(row), to);
      *to++ = '"';
      return to;
    case DataType::kBytes:
      *to++ = '"';
      to += EncodeBase64(column.StringAt(row), to);
      *to++ = '"';
      return to;
    case DataType::kTimestamp:
      return WriteTimestamp(column.int64s()[row], to);
  }
  return nullptr;
}

absl::Status JsonSerializer::Serialize(const Batch& batch, ByteRows* out) {
  if (batch.schema() != schema_ && *batch.schema() != *schema_) {
    return absl::InvalidArgumentError("the JSON format was made for schema " + schema_->ToString() +
                                      ", not for " + batch.schema()->ToString());
  }
  const size_t before = out->size();
  const size_t columns = batch.num_columns();
  out->Reserve(batch.num_rows(), fixed_bytes_);
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    size_t bytes = fixed_bytes_;
    for (size_t i = 0; i < columns; ++i) bytes += MaxText(batch.column(i), row);
    char* const first = out->Grow(bytes);
    char* to = first;
    if (columns == 0) *to++ = '{';
    for (size_t i = 0; i < columns; ++i) {
      const char* prefix = prefixes_[i].data();
      for (size_t k = 0; k < prefixes_[i].size(); k += kChunk) {
        std::memcpy(to + k, prefix + k, kChunk);
      }
      to = WriteValue(batch.column(i), row, to + prefix_sizes_[i]);
      if (to == nullptr) {
        out->Truncate(before);
        return absl::InvalidArgumentError("field \"" + schema_->field(i).name + "\", row " +
                                          std::to_string(row) +
                                          ": a timestamp outside of the years 0000 to 9999");
      }
    }
    *to++ = '}';
    out->Commit(static_cast<size_t>(to - first));
  }
  return absl::OkStatus();
}

}  // namespace weir

#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::internal {

/// What came of reading one JSON value as a given type.
enum class JsonOutcome : uint8_t {
  kOk,
  kNull,        // the literal null, consumed
  kMalformed,   // not JSON; JsonCursor::error() says why
  kWrongType,   // JSON, but of another type; nothing is consumed
  kNotInteger,  // a number with a fraction or an exponent where an integer is wanted
  kOutOfRange,  // a number that the type cannot hold
  kBadText,     // a string that is no base64 or no timestamp
  kFull,        // the column has no room
};

// A cursor is to live in registers: what is hot is inlined by force, and what is not works on a
// copy (Cold), so that no address of the cursor itself is ever taken and no store to a column can
// be mistaken for one to the cursor. That is worth a third of the time of a record.
#define WEIR_JSON_HOT [[gnu::always_inline]] inline

/// A position in one JSON text. Reads without a byte of padding behind the text. Every Read stands
/// on the first byte of a token (call SkipSpace before) and moves behind it.
class JsonCursor {
 public:
  JsonCursor(const char* data, size_t size) : begin_(data), position_(data), end_(data + size) {}

  size_t offset() const { return static_cast<size_t>(position_ - begin_); }
  size_t remaining() const { return static_cast<size_t>(end_ - position_); }
  const char* position() const { return position_; }
  void Advance(size_t bytes) { position_ += bytes; }
  bool AtEnd() const { return position_ == end_; }
  /// 0 at the end of the text.
  char Peek() const { return position_ < end_ ? *position_ : '\0'; }
  /// What is wrong where a Read returned false or kMalformed.
  const char* error() const { return error_; }

  /// Runs `call` on a copy of this cursor and takes its place over.
  template <class Call>
  WEIR_JSON_HOT auto Cold(Call call) {
    JsonCursor copy = *this;
    const auto result = call(copy);
    *this = copy;
    return result;
  }

  WEIR_JSON_HOT void SkipSpace() {
    if (position_ < end_ && static_cast<uint8_t>(*position_) <= ' ') {
      position_ = BehindSpace(position_, end_);
    }
  }
  WEIR_JSON_HOT bool Consume(char wanted) {
    if (position_ == end_ || *position_ != wanted) return false;
    ++position_;
    return true;
  }

  /// Reads a string behind its opening quote, decoded, into `out`, which has room for remaining()
  /// bytes. False when it is malformed.
  WEIR_JSON_HOT bool ReadString(char* out, size_t* length);

  WEIR_JSON_HOT JsonOutcome ReadInt64(int64_t* value);
  JsonOutcome ReadFloat64(double* value);
  JsonOutcome ReadBool(bool* value);
  /// Whether the literal null stood here; kMalformed for another word that begins with n.
  JsonOutcome ReadNull();

  /// Moves over any value, validating it.
  bool SkipValue(int depth = 0);

  /// kWrongType for the beginning of another type's value, kMalformed for anything else.
  JsonOutcome WrongType();
  bool Fail(const char* error) {
    error_ = error;
    return false;
  }

 private:
  struct Number {
    uint64_t digits = 0;  // the first 19 significant digits
    int exponent = 0;     // value = digits * 10^exponent, if `exact`
    bool exact = true;
    bool negative = false;
    bool integer = true;  // without fraction and exponent
  };
  JsonOutcome Malformed(const char* error) {
    error_ = error;
    return JsonOutcome::kMalformed;
  }
  static const char* BehindSpace(const char* position, const char* end);
  /// Goes on where PassPlain stopped, at `to`, or failed to end a string of ASCII.
  bool ReadStringSlowly(char* out, char* to, bool above, size_t* length);
  bool SkipString();
  bool SkipContainer(char close, int depth);
  bool SkipLiteral(std::string_view word);
  bool ReadNumber(Number* number);
  bool ReadExponent(int* exponent);
  bool ReadEscape(char** to);
  bool ReadHex4(uint32_t* value);
  /// Moves to the next quote, backslash or control character, or the end; copies what it passes to
  /// *to when that is set. True when it passed a byte above 127.
  template <bool copy>
  WEIR_JSON_HOT bool PassPlain(char** to);

  const char* begin_;
  const char* position_;
  const char* end_;
  const char* error_ = "";
};

inline bool JsonCursor::ReadString(char* out, size_t* length) {
  char* to = out;
  const bool above = PassPlain<true>(&to);
  if (!above && position_ < end_ && *position_ == '"') {
    ++position_;
    *length = static_cast<size_t>(to - out);
    return true;
  }
  size_t cold_length = 0;
  const bool ok = Cold([out, to, above, &cold_length](JsonCursor& cursor) {
    return cursor.ReadStringSlowly(out, to, above, &cold_length);
  });
  *length = cold_length;
  return ok;
}

template <bool copy>
inline bool JsonCursor::PassPlain(char** to) {
  const char* from = position_;
  char* target = copy ? *to : nullptr;
  int above = 0;
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  bool found = false;
  while (end_ - from >= 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    if constexpr (copy) _mm_storeu_si128(reinterpret_cast<__m128i*>(target), chunk);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(chunk, control), chunk));
    const int stops = _mm_movemask_epi8(special);
    const int high = _mm_movemask_epi8(chunk);
    if (stops != 0) {
      const int count = __builtin_ctz(static_cast<unsigned>(stops));
      above |= high & ((1 << count) - 1);
      from += count;
      if constexpr (copy) target += count;
      found = true;
      break;
    }
    above |= high;
    from += 16;
    if constexpr (copy) target += 16;
  }
  while (!found && from < end_) {
    const auto c = static_cast<uint8_t>(*from);
    if (c == '"' || c == '\\' || c < 0x20) break;
    above |= c & 0x80;
    if constexpr (copy) *target++ = *from;
    ++from;
  }
  position_ = from;
  if constexpr (copy) *to = target;
  return above != 0;
}

inline JsonOutcome JsonCursor::ReadInt64(int64_t* value) {
  const char* digit = position_;
  const bool negative = digit < end_ && *digit == '-';
  if (negative) ++digit;
  const char* first = digit;
  uint64_t magnitude = 0;
  while (digit < end_ && static_cast<uint8_t>(*digit - '0') < 10) {
    magnitude = magnitude * 10 + static_cast<uint8_t>(*digit - '0');
    ++digit;
  }
  const auto count = digit - first;
  if (count == 0) {
    if (negative) return Malformed("a number without digits");
    return Cold([](JsonCursor& cursor) { return cursor.WrongType(); });
  }
  if (count > 1 && *first == '0') return Malformed("a number with a leading zero");
  if (digit < end_ && (*digit == '.' || (*digit | 0x20) == 'e')) {
    return Cold([](JsonCursor& cursor) {
      Number number;
      return cursor.ReadNumber(&number) ? JsonOutcome::kNotInteger : JsonOutcome::kMalformed;
    });
  }
  constexpr uint64_t kMax = static_cast<uint64_t>(INT64_MAX);
  // 19 digits do not overflow uint64.
  if (count > 19 || magnitude > kMax + (negative ? 1 : 0)) return JsonOutcome::kOutOfRange;
  *value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  position_ = digit;
  return JsonOutcome::kOk;
}

}  // namespace weir::internal

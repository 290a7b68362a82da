#include "common/formats/json_cursor.h"

#include <charconv>
#include <cmath>

#include "simdjson.h"

#include "common/formats/json_format.h"

namespace weir::internal {
namespace {

bool IsDigit(char c) { return static_cast<uint8_t>(c - '0') < 10; }

/// Powers of ten that a double holds exactly.
constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxPower = 22;
constexpr uint64_t kMaxExactInteger = uint64_t{1} << 53;
constexpr int kMaxExponent = 1'000'000;  // beyond it, the sum of exponents could overflow

char* EncodeUtf8(uint32_t code, char* to) {
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xc0 | code >> 6);
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xe0 | code >> 12);
    *to++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *to++ = static_cast<char>(0xf0 | code >> 18);
    *to++ = static_cast<char>(0x80 | (code >> 12 & 0x3f));
    *to++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *to++ = static_cast<char>(0x80 | (code & 0x3f));
  }
  return to;
}

}  // namespace

const char* JsonCursor::BehindSpace(const char* position, const char* end) {
  while (position < end &&
         (*position == ' ' || *position == '\n' || *position == '\r' || *position == '\t')) {
    ++position;
  }
  return position;
}

bool JsonCursor::ReadStringSlowly(char* out, char* to, bool above, size_t* length) {
  while (true) {
    if (position_ == end_) return Fail("a string without an end");
    const char stop = *position_;
    if (stop == '"') break;
    if (stop != '\\') return Fail("a control character in a string");
    ++position_;
    if (!ReadEscape(&to)) return false;
    above |= PassPlain<true>(&to);
  }
  ++position_;
  *length = static_cast<size_t>(to - out);
  if (above && !simdjson::validate_utf8(out, *length)) return Fail("a string that is not UTF-8");
  return true;
}

bool JsonCursor::SkipString() {
  const char* first = position_;
  bool above = false;
  while (true) {
    above |= PassPlain<false>(nullptr);
    if (position_ == end_) return Fail("a string without an end");
    const char stop = *position_++;
    if (stop == '"') break;
    if (stop != '\\') return Fail("a control character in a string");
    char decoded[4];
    char* to = decoded;
    if (!ReadEscape(&to)) return false;
  }
  if (above && !simdjson::validate_utf8(first, static_cast<size_t>(position_ - first))) {
    return Fail("a string that is not UTF-8");
  }
  return true;
}

bool JsonCursor::ReadHex4(uint32_t* value) {
  *value = 0;
  if (remaining() < 4) return Fail("an escape that is cut off");
  for (int i = 0; i < 4; ++i) {
    const char c = *position_++;
    uint32_t digit = 0;
    if (IsDigit(c)) {
      digit = static_cast<uint32_t>(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return Fail("an escape \\u without four hexadecimal digits");
    }
    *value = *value << 4 | digit;
  }
  return true;
}

bool JsonCursor::ReadEscape(char** to) {
  if (position_ == end_) return Fail("an escape that is cut off");
  const char c = *position_++;
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const size_t letter = kLetters.find(c);
  if (letter != std::string_view::npos) {
    *(*to)++ = kMeanings[letter];
    return true;
  }
  if (c != 'u') return Fail("an unknown escape");
  uint32_t code = 0;
  if (!ReadHex4(&code)) return false;
  if (code >= 0xdc00 && code < 0xe000) return Fail("a low surrogate without a high one");
  if (code >= 0xd800 && code < 0xdc00) {
    uint32_t low = 0;
    if (!Consume('\\') || !Consume('u')) return Fail("a high surrogate without a low one");
    if (!ReadHex4(&low)) return false;
    if (low < 0xdc00 || low >= 0xe000) return Fail("a high surrogate without a low one");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  *to = EncodeUtf8(code, *to);
  return true;
}

bool JsonCursor::ReadExponent(int* exponent) {
  const bool negative = Peek() == '-';
  if (negative || Peek() == '+') ++position_;
  if (!IsDigit(Peek())) return Fail("a number with an empty exponent");
  int value = 0;
  for (; IsDigit(Peek()); ++position_) {
    if (value < kMaxExponent) value = value * 10 + (*position_ - '0');
  }
  *exponent += negative ? -value : value;
  return true;
}

bool JsonCursor::ReadNumber(Number* number) {
  number->negative = Consume('-');
  if (!IsDigit(Peek())) return Fail("a number without digits");
  const char* first = position_;
  int significant = 0;
  const auto take = [number, &significant](char c, bool fraction) {
    if (significant == 0 && c == '0') {
      if (fraction) --number->exponent;
      return;
    }
    if (significant < 19) {
      number->digits = number->digits * 10 + static_cast<uint64_t>(c - '0');
      if (fraction) --number->exponent;
    } else {
      number->exact = false;
      if (!fraction) ++number->exponent;
    }
    ++significant;
  };
  for (; IsDigit(Peek()); ++position_) take(*position_, false);
  if (*first == '0' && position_ - first > 1) return Fail("a number with a leading zero");
  if (Peek() == '.') {
    ++position_;
    number->integer = false;
    if (!IsDigit(Peek())) return Fail("a number without digits after its point");
    for (; IsDigit(Peek()); ++position_) take(*position_, true);
  }
  if ((Peek() | 0x20) == 'e') {
    ++position_;
    number->integer = false;
    if (!ReadExponent(&number->exponent)) return false;
  }
  return true;
}

JsonOutcome JsonCursor::ReadFloat64(double* value) {
  if (Peek() != '-' && !IsDigit(Peek())) return WrongType();
  const char* first = position_;
  Number number;
  if (!ReadNumber(&number)) return JsonOutcome::kMalformed;
  if (number.digits == 0) {
    *value = number.negative ? -0.0 : 0.0;
    return JsonOutcome::kOk;
  }
  if (number.exact && number.digits <= kMaxExactInteger && number.exponent <= kMaxPower &&
      number.exponent >= -kMaxPower) {
    // Both operands are exact, so the one rounding is the right one (Clinger's fast path).
    const auto digits = static_cast<double>(number.digits);
    const double magnitude = number.exponent >= 0 ? digits * kPowers[number.exponent]
                                                  : digits / kPowers[-number.exponent];
    *value = number.negative ? -magnitude : magnitude;
    return JsonOutcome::kOk;
  }
  const auto [end, error] = std::from_chars(first, position_, *value);
  if (error == std::errc::result_out_of_range) {
    // digits * 10^exponent with 1 to 19 digits: far below one it is an underflow, which is a zero.
    if (number.exponent > 0) return JsonOutcome::kOutOfRange;
    *value = number.negative ? -0.0 : 0.0;
    return JsonOutcome::kOk;
  }
  if (error != std::errc() || end != position_) return Malformed("an unreadable number");
  return std::isfinite(*value) ? JsonOutcome::kOk : JsonOutcome::kOutOfRange;
}

bool JsonCursor::SkipLiteral(std::string_view word) {
  if (remaining() < word.size() || std::memcmp(position_, word.data(), word.size()) != 0) {
    return Fail("an unknown word");
  }
  position_ += word.size();
  return true;
}

JsonOutcome JsonCursor::ReadBool(bool* value) {
  const char first = Peek();
  if (first != 't' && first != 'f') return WrongType();
  *value = first == 't';
  return SkipLiteral(*value ? "true" : "false") ? JsonOutcome::kOk : JsonOutcome::kMalformed;
}

JsonOutcome JsonCursor::ReadNull() {
  return SkipLiteral("null") ? JsonOutcome::kNull : JsonOutcome::kMalformed;
}

bool JsonCursor::SkipValue(int depth) {
  switch (Peek()) {
    case '"':
      ++position_;
      return SkipString();
    case '{':
      ++position_;
      return SkipContainer('}', depth + 1);
    case '[':
      ++position_;
      return SkipContainer(']', depth + 1);
    case 't':
      return SkipLiteral("true");
    case 'f':
      return SkipLiteral("false");
    case 'n':
      return SkipLiteral("null");
    default: {
      if (Peek() != '-' && !IsDigit(Peek())) return Fail("no value where one is expected");
      Number number;
      return ReadNumber(&number);
    }
  }
}

bool JsonCursor::SkipContainer(char close, int depth) {
  if (depth >= kMaxJsonDepth) return Fail("values nested too deeply");
  SkipSpace();
  if (Consume(close)) return true;
  while (true) {
    if (close == '}') {
      if (!Consume('"')) return Fail("no key where one is expected");
      if (!SkipString()) return false;
      SkipSpace();
      if (!Consume(':')) return Fail("no colon after a key");
      SkipSpace();
    }
    if (!SkipValue(depth)) return false;
    SkipSpace();
    if (Consume(close)) return true;
    if (!Consume(',')) return Fail("neither a comma nor an end after a value");
    SkipSpace();
  }
}

JsonOutcome JsonCursor::WrongType() {
  const char c = Peek();
  if (c == '"' || c == '{' || c == '[' || c == 't' || c == 'f' || c == 'n' || c == '-' ||
      IsDigit(c)) {
    return JsonOutcome::kWrongType;
  }
  return Malformed("no value where one is expected");
}

}  // namespace weir::internal

#include "common/formats/base64.h"

#include <array>
#include <cstdint>

namespace weir {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 255;

constexpr std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits{};
  for (auto& digit : digits) digit = kNoDigit;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return digits;
}

constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

}  // namespace

size_t EncodeBase64(std::string_view bytes, char* out) {
  size_t written = 0;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      out[written++] = k <= count ? kAlphabet[(group >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return written;
}

bool DecodeBase64(std::string_view text, char* out, size_t* size) {
  *size = 0;
  if (text.size() % 4 != 0) return false;
  for (size_t i = 0; i < text.size(); i += 4) {
    size_t padding = 0;
    if (i + 4 == text.size()) {
      padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    }
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const uint8_t digit = k < 4 - padding ? kDigits[static_cast<uint8_t>(text[i + k])] : 0;
      if (digit == kNoDigit) return false;
      group = group << 6 | digit;
    }
    // The bits under the padding must be zero, or two texts would mean the same bytes.
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) {
      return false;
    }
    for (size_t k = 0; k < 3 - padding; ++k) {
      out[(*size)++] = static_cast<char>(group >> (16 - 8 * k) & 0xff);
    }
  }
  return true;
}

}  // namespace weir

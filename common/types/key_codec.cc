#include "common/types/key_codec.h"

namespace weir::internal {
namespace {

constexpr char kEscape = '\0';
constexpr char kEscapedZero = '\xFF';
constexpr char kEnd = '\x01';

}  // namespace

void AppendEscaped(absl::string_view bytes, std::string* out) {
  for (const char byte : bytes) {
    out->push_back(byte);
    if (byte == kEscape) out->push_back(kEscapedZero);
  }
  out->push_back(kEscape);
  out->push_back(kEnd);
}

bool ReadEscaped(ByteReader& in, std::string* bytes) {
  bytes->clear();
  char byte = 0;
  while (in.ReadFixed(&byte)) {
    if (byte == kEscape) {
      if (!in.ReadFixed(&byte)) return false;
      if (byte == kEnd) return true;
      if (byte != kEscapedZero) return false;
      byte = kEscape;
    }
    bytes->push_back(byte);
  }
  return false;
}

bool ReadKeyDouble(ByteReader& in, double* value) {
  uint64_t bits = 0;
  if (!ReadBigEndian(in, &bits)) return false;
  *value = DoubleOfOrderedBits(bits);
  return OrderedBits(*value) == bits;
}

}  // namespace weir::internal

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace weir {

/// Takes numbers and strings off the front of bytes that need not be what they claim: every call
/// says whether there was enough, and a false one leaves the value unspecified. Little-endian;
/// variable-length integers as in protobuf (7 bits a byte, low first), in their shortest form only.
///
/// Lifetime: the bytes must outlive the reader and every view it hands out.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool done() const { return at_ == end_; }
  absl::string_view rest() const { return {at_, left()}; }

  template <class T>
  bool ReadFixed(T* value) {
    static_assert(std::is_arithmetic_v<T>);
    if (left() < sizeof(T)) return false;
    std::memcpy(value, at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }

  bool ReadVarint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return false;
      *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return byte != 0 || shift == 0;
    }
    return false;
  }

  bool ReadBytes(size_t size, absl::string_view* bytes) {
    if (left() < size) return false;
    *bytes = {at_, size};
    at_ += size;
    return true;
  }

  /// A length as variable-length integer, then so many bytes.
  bool ReadSized(absl::string_view* bytes) {
    uint64_t size = 0;
    return ReadVarint(&size) && size <= left() && ReadBytes(static_cast<size_t>(size), bytes);
  }

 private:
  const char* at_;
  const char* end_;
};

static_assert(std::endian::native == std::endian::little, "Weir runs on little-endian machines");

/// The counterparts of ByteReader; they append.
template <class T>
void AppendFixed(T value, std::string* out) {
  static_assert(std::is_arithmetic_v<T>);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

inline void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

inline void AppendSized(absl::string_view bytes, std::string* out) {
  AppendVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

}  // namespace weir

#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace weir {
namespace internal {

inline constexpr uint64_t kXxPrime1 = 0x9E3779B185EBCA87;
inline constexpr uint64_t kXxPrime2 = 0xC2B2AE3D27D4EB4F;
inline constexpr uint64_t kXxPrime3 = 0x165667B19E3779F9;
inline constexpr uint64_t kXxPrime4 = 0x85EBCA77C2B2AE63;
inline constexpr uint64_t kXxPrime5 = 0x27D4EB2F165667C5;

// The specification reads little-endian words.
static_assert(std::endian::native == std::endian::little, "Weir runs on little-endian machines");

inline uint64_t XxRead64(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

inline uint32_t XxRead32(const char* at) {
  uint32_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

inline uint64_t XxRound(uint64_t accumulator, uint64_t lane) {
  return std::rotl(accumulator + lane * kXxPrime2, 31) * kXxPrime1;
}

inline uint64_t XxMerge(uint64_t accumulator, uint64_t lane_accumulator) {
  return (accumulator ^ XxRound(0, lane_accumulator)) * kXxPrime1 + kXxPrime4;
}

inline uint64_t XxAvalanche(uint64_t accumulator) {
  accumulator = (accumulator ^ (accumulator >> 33)) * kXxPrime2;
  accumulator = (accumulator ^ (accumulator >> 29)) * kXxPrime3;
  return accumulator ^ (accumulator >> 32);
}

}  // namespace internal

/// The 64-bit hash whose values are written to disk and agreed on by processes (key groups,
/// operator uids). Frozen: it never changes.
///
/// XXH64, after the specification at github.com/Cyan4973/xxHash, doc/xxhash_spec.md (version
/// 0.1.1).
inline uint64_t StableHash64(absl::string_view bytes, uint64_t seed = 0) {
  using namespace internal;  // NOLINT: the constants and steps just above
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t accumulator = seed + kXxPrime5;
  if (left >= 32) {
    uint64_t lanes[4] = {seed + kXxPrime1 + kXxPrime2, seed + kXxPrime2, seed, seed - kXxPrime1};
    for (; left >= 32; at += 32, left -= 32) {
      for (int i = 0; i < 4; ++i) lanes[i] = XxRound(lanes[i], XxRead64(at + 8 * i));
    }
    accumulator = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                  std::rotl(lanes[3], 18);
    for (const uint64_t lane : lanes) accumulator = XxMerge(accumulator, lane);
  }
  accumulator += bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    accumulator = std::rotl(accumulator ^ XxRound(0, XxRead64(at)), 27) * kXxPrime1 + kXxPrime4;
  }
  if (left >= 4) {
    accumulator = std::rotl(accumulator ^ (XxRead32(at) * kXxPrime1), 23) * kXxPrime2 + kXxPrime3;
    at += 4;
    left -= 4;
  }
  for (; left > 0; ++at, --left) {
    accumulator = std::rotl(accumulator ^ (static_cast<uint8_t>(*at) * kXxPrime5), 11) * kXxPrime1;
  }
  return XxAvalanche(accumulator);
}

/// The same hash of the 8 little-endian bytes of `number`; for integer keys, without a detour
/// through memory.
inline uint64_t StableHash64(uint64_t number, uint64_t seed = 0) {
  using namespace internal;  // NOLINT
  uint64_t accumulator = seed + kXxPrime5 + sizeof(number);
  accumulator = std::rotl(accumulator ^ XxRound(0, number), 27) * kXxPrime1 + kXxPrime4;
  return XxAvalanche(accumulator);
}

}  // namespace weir

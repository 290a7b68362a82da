#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/strings/string_view.h"

#include "common/types/key_codec.h"

namespace weir {

/// Makes the bytes of one key after another, as EncodeKey does: those of a view are its own, and a
/// number takes no string. Threads: one.
class KeyBytes {
 public:
  /// Until the next call; of a view: as long as what it is a view of.
  template <class K>
  absl::string_view Of(const K& key) {
    if constexpr (std::is_same_v<K, std::string_view> ||
                  std::is_same_v<K, std::span<const std::byte>>) {
      return internal::KeyBytesOf(key);
    } else if constexpr (std::integral<K> && !std::is_same_v<K, bool>) {
      number_ = __builtin_bswap64(internal::OrderedBits(key));
      return {reinterpret_cast<const char*>(&number_), sizeof(number_)};
    } else if constexpr (std::is_same_v<K, Timestamp>) {
      return Of(key.time_since_epoch().count());
    } else {
      bytes_.clear();
      EncodeKey(key, &bytes_);
      return bytes_;
    }
  }

 private:
  uint64_t number_ = 0;
  std::string bytes_;
};

/// Whether two encoded keys are one. Most keys are numbers, of 8 bytes.
inline bool SameKeyBytes(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() != sizeof(uint64_t)) return a == b;
  uint64_t words[2];
  __builtin_memcpy(&words[0], a.data(), sizeof(uint64_t));
  __builtin_memcpy(&words[1], b.data(), sizeof(uint64_t));
  return words[0] == words[1];
}

}  // namespace weir

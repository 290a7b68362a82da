#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

#include "common/base/stable_hash.h"
#include "common/types/key_group.h"

namespace weir {

/// A key of a row: its bytes (common/types/key_codec.h), StableHash64 of them, and its group.
struct KeyRef {
  uint32_t group = 0;
  uint64_t hash = 0;
  absl::string_view key;
};

inline KeyRef KeyRefOf(absl::string_view key, uint32_t max_parallelism) {
  const uint64_t hash = StableHash64(key);
  return {KeyGroupOfHash(hash, max_parallelism), hash, key};
}

/// An entry of the map of a key.
struct MapEntryRef {
  KeyRef key;
  absl::string_view map_key;
};

}  // namespace weir

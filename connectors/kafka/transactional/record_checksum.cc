#include "connectors/kafka/transactional/record_checksum.h"

#include <xxhash.h>

namespace weir::kafka {
namespace {

// Of a payload under a seed; another value for null than for every content.
uint64_t Hash(const Payload& payload, uint64_t seed) {
  if (payload.null) return ~XXH3_64bits_withSeed("", 0, seed);
  return XXH3_64bits_withSeed(payload.data == nullptr ? "" : payload.data, payload.size, seed);
}

}  // namespace

uint64_t RecordChecksum(const Payload& key, const Payload& value) {
  return Hash(value, Hash(key, 0));
}

}  // namespace weir::kafka

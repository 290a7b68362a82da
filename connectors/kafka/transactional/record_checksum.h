#pragma once

#include <cstdint>

#include "common/formats/format.h"

namespace weir::kafka {

/// A hash of one record's key and value, by XXH3 (64 bits) of libxxhash; null and empty differ, and
/// so do ("a", "b") and ("ab", ""). Frozen: checkpoints hold sums of it.
uint64_t RecordChecksum(const Payload& key, const Payload& value);

}  // namespace weir::kafka

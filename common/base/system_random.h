#pragma once

#include <cstdint>

#include "common/base/random.h"

namespace weir {

/// Randomness of the operating system (getrandom(2)), good enough for tokens. One system call per
/// number: for ids and jitter, not for bulk data. Thread-safe, no state.
class SystemRandom final : public Random {
 public:
  uint64_t Next() override;
};

}  // namespace weir

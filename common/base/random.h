#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

/// The only source of randomness; seeded in simulation, from the system in processes.
/// Implementations are thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  /// Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  /// 32 lower-case hex digits with an optional prefix: ids, nonces, tokens.
  std::string HexId(absl::string_view prefix = "");
};

}  // namespace weir

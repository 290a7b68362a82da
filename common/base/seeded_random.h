#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/random.h"

namespace weir {

/// A reproducible sequence for simulation and tests: the same seed gives the same numbers on every
/// machine and with every compiler. Not for secrets.
///
/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
/// constants of Vigna's reference (prng.di.unimi.it/splitmix64.c). The state is a counter, so an
/// atomic addition is all that thread safety needs.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() override {
    constexpr uint64_t kGamma = 0x9e3779b97f4a7c15;
    uint64_t z = state_.fetch_add(kGamma, std::memory_order_relaxed) + kGamma;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::atomic<uint64_t> state_;
};

}  // namespace weir

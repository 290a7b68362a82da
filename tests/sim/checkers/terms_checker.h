#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "tests/sim/sim_network.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// No receiver obeys an older term or generation: compares what one worker became with the true
/// origins of the directives it was handed. One per worker process.
class TermsChecker {
 public:
  TermsChecker(SimWorld& world, std::string worker) : world_(world), worker_(std::move(worker)) {}

  void BeforeDirective(const TrueOrigin& origin, uint64_t current_generation);
  void AfterDirective(uint64_t term, uint64_t current_generation);

 private:
  SimWorld& world_;
  const std::string worker_;
  uint64_t highest_term_ = 0;  // of what it was handed, in truth
  uint64_t highest_generation_ = 0;
  uint64_t last_term_ = 0;
  uint64_t last_generation_ = 0;
  bool may_tear_down_ = false;
};

}  // namespace weir::sim

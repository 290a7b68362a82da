#include "tests/sim/checkers/terms_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::sim {

void TermsChecker::BeforeDirective(const TrueOrigin& origin, uint64_t current_generation) {
  if (origin.term < highest_term_) return;
  highest_term_ = origin.term;
  if (origin.generation != 0 && origin.generation < highest_generation_) return;
  highest_generation_ = std::max(highest_generation_, origin.generation);
  if (origin.generation != current_generation) may_tear_down_ = true;
}

void TermsChecker::AfterDirective(uint64_t term, uint64_t current_generation) {
  if (term < last_term_ || term > highest_term_) {
    world_.Violate("Terms", absl::StrCat("worker ", worker_, " obeys term ", term, " after term ",
                                         highest_term_));
  }
  last_term_ = term;
  if (current_generation == last_generation_) return;
  if (current_generation == 0 && !may_tear_down_) {
    world_.Violate("Terms", absl::StrCat("worker ", worker_, " gave up generation ",
                                         last_generation_, " for an older leader"));
  }
  if (current_generation != 0 && current_generation != highest_generation_) {
    world_.Violate("Terms",
                   absl::StrCat("worker ", worker_, " runs generation ", current_generation,
                                " although it was told ", highest_generation_));
  }
  if (current_generation != 0) may_tear_down_ = false;
  last_generation_ = current_generation;
}

}  // namespace weir::sim

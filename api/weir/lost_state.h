#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "state/api/state_table.h"

namespace weir::internal {

/// In place of states that the store has refused, so that a function that asks for one while it
/// works gets to the end of its call, behind which the operator fails with the store's status. They
/// begin empty, are of no key, and are kept nowhere.
///
/// Lifetime: the tables are valid as long as this. Threads: the task's.
class LostState {
 public:
  CellTable* Cells(const StateDefinition& definition);
  MapTable* Map(const StateDefinition& definition);
  /// It was needed.
  bool any() const { return !tables_.empty(); }

 private:
  const int64_t now_micros_ = 0;
  std::vector<std::unique_ptr<StateTable>> tables_;
};

}  // namespace weir::internal

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "state/operator/redistribution.h"

namespace weir {

/// The operator state of one operator in one subtask as it is written: three objects
/// (docs/formats/operator-state-snapshot.md), empty where there is nothing, and how many elements
/// each list in the first has.
struct OperatorStateObjects {
  std::string lists;
  std::string union_lists;
  std::string broadcast;
  ListSizes list_sizes;
};

/// The same of a checkpoint that is restored, as far as the subtask needs it that reads it: null is
/// what there is not, and what it does not need. Shared by the subtasks of a worker.
struct OperatorStatePart {
  std::shared_ptr<const std::string> lists;
  std::shared_ptr<const std::string> union_lists;
  std::shared_ptr<const std::string> broadcast;
  ListSizes list_sizes;
};

/// Of all subtasks that there were, by number. None: the checkpoint has nothing of this operator.
using OperatorStateParts = std::vector<OperatorStatePart>;

}  // namespace weir

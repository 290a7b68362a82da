#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir {

/// Which subtask of how many.
struct SubtaskPlace {
  uint32_t index = 0;
  uint32_t parallelism = 1;
};

/// Elements from `first` to before `end`.
struct ElementRange {
  uint64_t first = 0;
  uint64_t end = 0;

  bool empty() const { return first >= end; }
  bool operator==(const ElementRange&) const = default;
};

/// How many elements each list of one subtask has, by name.
using ListSizes = std::map<std::string, uint64_t>;
/// What of them another one gets.
using ListShares = std::map<std::string, ElementRange>;

/// The piece of `elements` that a subtask gets: contiguous, of sizes that differ by one at most;
/// the longer ones begin with subtask `first_longer` and go round. Pure.
ElementRange ShareOf(uint64_t elements, const SubtaskPlace& place, uint32_t first_longer = 0);

/// What a subtask gets of the lists of each subtask then (docs/protocols/operator-state.md,
/// Shares): all of its own when there are as many subtasks as then. Lists of which it gets nothing
/// are left out. Over all subtasks each element is in one share. Pure.
std::vector<ListShares> DealOutLists(const std::vector<ListSizes>& then, const SubtaskPlace& place);

/// Whose broadcast state a subtask starts with.
inline uint32_t BroadcastFrom(uint32_t parallelism_then, uint32_t index) {
  return index % parallelism_then;
}

}  // namespace weir

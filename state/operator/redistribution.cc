#include "state/operator/redistribution.h"

#include <algorithm>

namespace weir {
namespace {

// What of a part that holds `part` the piece `share` of the whole is, counted from the part's
// begin.
ElementRange Within(const ElementRange& share, const ElementRange& part) {
  const uint64_t first = std::max(share.first, part.first);
  const uint64_t end = std::min(share.end, part.end);
  return first < end ? ElementRange{first - part.first, end - part.first} : ElementRange{};
}

ListShares All(const ListSizes& sizes) {
  ListShares shares;
  for (const auto& [name, elements] : sizes) {
    if (elements > 0) shares[name] = {0, elements};
  }
  return shares;
}

}  // namespace

ElementRange ShareOf(uint64_t elements, const SubtaskPlace& place, uint32_t first_longer) {
  const uint64_t subtasks = place.parallelism;
  const uint64_t turn = (place.index + subtasks - first_longer % subtasks) % subtasks;
  const uint64_t longer = elements % subtasks;
  const uint64_t first = turn * (elements / subtasks) + std::min(turn, longer);
  return {first, first + elements / subtasks + (turn < longer ? 1 : 0)};
}

std::vector<ListShares> DealOutLists(const std::vector<ListSizes>& then,
                                     const SubtaskPlace& place) {
  std::vector<ListShares> shares(then.size());
  if (then.size() == place.parallelism) {
    shares[place.index] = All(then[place.index]);
    return shares;
  }
  ListSizes totals;
  for (const ListSizes& part : then) {
    for (const auto& [name, elements] : part) totals[name] += elements;
  }
  uint32_t first_longer = 0;
  for (const auto& [name, total] : totals) {
    const ElementRange share = ShareOf(total, place, first_longer);
    first_longer = static_cast<uint32_t>((first_longer + total) % place.parallelism);
    uint64_t begin = 0;
    for (size_t part = 0; part < then.size(); ++part) {
      const auto found = then[part].find(name);
      if (found == then[part].end()) continue;
      const ElementRange own = Within(share, {begin, begin + found->second});
      if (!own.empty()) shares[part][name] = own;
      begin += found->second;
    }
  }
  return shares;
}

}  // namespace weir

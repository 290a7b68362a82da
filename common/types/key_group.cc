#include "common/types/key_group.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weir {

absl::Status CheckKeyGroupLayout(const KeyGroupLayout& layout) {
  if (layout.max_parallelism < 1 || layout.max_parallelism > kLargestMaxParallelism) {
    return absl::InvalidArgumentError(absl::StrCat("max parallelism ", layout.max_parallelism,
                                                   " is not between 1 and ",
                                                   kLargestMaxParallelism));
  }
  if (layout.parallelism < 1 || layout.parallelism > layout.max_parallelism) {
    return absl::InvalidArgumentError(absl::StrCat("parallelism ", layout.parallelism,
                                                   " is not between 1 and the max parallelism, ",
                                                   layout.max_parallelism));
  }
  return absl::OkStatus();
}

KeyGroupRange DefaultKeyGroupRange(uint32_t subtask, const KeyGroupLayout& layout) {
  // Below 2^15 * 2^15: no overflow.
  const auto begin_of = [&layout](uint32_t index) {
    return (index * layout.max_parallelism + layout.parallelism - 1) / layout.parallelism;
  };
  return {begin_of(subtask), begin_of(subtask + 1)};
}

std::vector<uint32_t> DefaultKeyGroupTable(const KeyGroupLayout& layout) {
  std::vector<uint32_t> table(layout.max_parallelism);
  for (uint32_t subtask = 0; subtask < layout.parallelism; ++subtask) {
    const KeyGroupRange range = DefaultKeyGroupRange(subtask, layout);
    for (uint32_t group = range.first; group < range.end; ++group) table[group] = subtask;
  }
  return table;
}

}  // namespace weir

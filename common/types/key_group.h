#pragma once

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/base/stable_hash.h"
#include "common/types/status_forward.h"

/// Which part of a job's keyed state a key belongs to. Keys are hashed into a fixed number of key
/// groups (max_parallelism), and groups, never single keys, are given to subtasks. Both steps are
/// frozen: docs/formats/key-groups.md.
namespace weir {

inline constexpr uint32_t kDefaultMaxParallelism = 1024;
/// As in Flink: a group's number fits into 15 bits.
inline constexpr uint32_t kLargestMaxParallelism = 1u << 15;

/// The group of a key whose StableHash64 is `hash`. Uses the upper half of the hash, so the lower
/// half is free for hash tables within a group.
constexpr uint32_t KeyGroupOfHash(uint64_t hash, uint32_t max_parallelism) {
  return static_cast<uint32_t>(((hash >> 32) * max_parallelism) >> 32);
}

/// The group of an encoded key (common/types/key_codec.h).
inline uint32_t KeyGroupOf(absl::string_view key, uint32_t max_parallelism) {
  return KeyGroupOfHash(StableHash64(key), max_parallelism);
}

/// The groups first, ..., end - 1.
struct KeyGroupRange {
  uint32_t first = 0;
  uint32_t end = 0;

  constexpr bool Contains(uint32_t group) const { return group >= first && group < end; }
  constexpr uint32_t size() const { return end - first; }
  bool operator==(const KeyGroupRange&) const = default;
};

/// How many subtasks an operator has, and into how many groups its keys fall.
struct KeyGroupLayout {
  uint32_t parallelism = 1;
  uint32_t max_parallelism = kDefaultMaxParallelism;
};

/// INVALID_ARGUMENT unless 1 <= parallelism <= max_parallelism <= kLargestMaxParallelism.
absl::Status CheckKeyGroupLayout(const KeyGroupLayout& layout);

/// The range of a subtask in the default, contiguous assignment. The layout must be valid.
///
/// Flink's formula: KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex, in
/// flink-runtime/src/main/java/org/apache/flink/runtime/state/KeyGroupRangeAssignment.java.
KeyGroupRange DefaultKeyGroupRange(uint32_t subtask, const KeyGroupLayout& layout);

/// The default assignment as the table that a job's log holds: entry g is the subtask of group g.
/// Those who route or restore read the table, not the formula.
std::vector<uint32_t> DefaultKeyGroupTable(const KeyGroupLayout& layout);

}  // namespace weir

#include "tests/sim/outside.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::sim {

Outside::Outside(SimWorld& world, const SimConfig& config) : world_(world), config_(config) {}

int64_t Outside::ResolveStart(uint64_t split) {
  if (!config_.latest) return 0;
  return std::min<int64_t>(config_.records / 2, static_cast<int64_t>(++discoveries_ + split % 3));
}

int64_t Outside::EndOf(uint64_t split) const {
  return config_.records + static_cast<int64_t>(split % 4) * 3;
}

int64_t Outside::Available(uint64_t split) const {
  const int64_t so_far =
      absl::ToInt64Milliseconds(world_.now()) * config_.records_per_second / 1000;
  return std::min(so_far, EndOf(split));
}

absl::Duration Outside::UntilAvailable(int64_t index) const {
  const absl::Duration due =
      absl::Milliseconds((index + 1) * 1000 / config_.records_per_second + 1);
  return std::max(due - world_.now(), absl::Milliseconds(1));
}

uint64_t Outside::KnownSplits() const {
  const bool late = world_.now() > absl::Seconds(3);
  return config_.splits + (late ? config_.late_splits : 0);
}

void Outside::Deliver(const SplitRange& range) {
  for (int64_t i = range.from; i < range.to; ++i) delivered_[range.split].insert(i);
}

void Outside::Commit(uint64_t split, int64_t index) {
  const auto [next, first] = next_.try_emplace(split, index);
  if (next->second != index) {
    return world_.Violate("ExactlyOnce",
                          absl::StrCat("split ", split, ": record ", index, " is committed where ",
                                       next->second, " comes next"));
  }
  ++next->second;
}

bool Outside::Contains(uint64_t split, int64_t start, int64_t position) const {
  if (config_.transactional) return CommittedThrough(split, start) >= position;
  const auto it = delivered_.find(split);
  for (int64_t i = start; i < position; ++i) {
    if (it == delivered_.end() || it->second.count(i) == 0) return false;
  }
  return true;
}

int64_t Outside::CommittedThrough(uint64_t split, int64_t start) const {
  const auto it = next_.find(split);
  return it == next_.end() ? start : it->second;
}

}  // namespace weir::sim

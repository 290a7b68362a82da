#include "tests/sim/sim_world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/stable_hash.h"

namespace weir::sim {

SimWorld::SimWorld(uint64_t seed, bool verbose)
    : seed_(seed), verbose_(verbose), tie_break_(Fork("tie-break")), hash_(StableHash64(seed)) {}

SeededRandom SimWorld::Fork(absl::string_view component) const {
  return SeededRandom(StableHash64(component, StableHash64(seed_)));
}

SimWorld::EventId SimWorld::Schedule(absl::Duration delay, std::function<void()> action) {
  if (closed_) return 0;
  const int64_t delay_us = std::max<int64_t>(0, absl::ToInt64Microseconds(delay));
  const EventId id = next_event_++;
  queue_.push({now_us_ + delay_us, tie_break_.Next(), id});
  actions_.emplace(id, std::move(action));
  return id;
}

bool SimWorld::RunNext() {
  while (!queue_.empty()) {
    const Key key = queue_.top();
    queue_.pop();
    const auto it = actions_.find(key.id);
    if (it == actions_.end()) continue;  // cancelled
    const std::function<void()> action = std::move(it->second);
    actions_.erase(it);
    now_us_ = key.at_us;
    ++events_;
    hash_ = StableHash64(static_cast<uint64_t>(now_us_), hash_);
    action();
    return true;
  }
  return false;
}

void SimWorld::Close() {
  closed_ = true;
  const auto dropped = std::move(actions_);
  actions_.clear();
}

void SimWorld::Trace(absl::string_view what, absl::string_view who, absl::string_view detail) {
  hash_ = StableHash64(detail, StableHash64(who, StableHash64(what, hash_)));
  if (verbose_) {
    absl::PrintF("%10.6f %-10s %s %s\n", static_cast<double>(now_us_) / 1e6, who, what, detail);
    std::fflush(stdout);
  }
}

void SimWorld::Violate(absl::string_view checker, const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = absl::StrCat(checker, ": ", what);
  Trace("VIOLATION", checker, what);
}

}  // namespace weir::sim

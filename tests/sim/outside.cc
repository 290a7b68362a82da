#include "tests/sim/outside.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::sim {

namespace {
constexpr absl::Duration kLookAgain = absl::Milliseconds(50);
}  // namespace

Outside::Outside(SimWorld& world, const SimConfig& config) : world_(world), config_(config) {
  if (!config.keyed.on()) return;
  keyed_input_.emplace(config.keyed, config.seed, config.splits, config.records);
  ledger_.emplace(*keyed_input_);
}

int64_t Outside::ResolveStart(uint64_t split) {
  if (!config_.latest) return 0;
  return std::min<int64_t>(config_.records / 2, static_cast<int64_t>(++discoveries_ + split % 3));
}

int64_t Outside::EndOf(uint64_t split) const {
  if (keyed_input_) return keyed_input_->EndOf(static_cast<int64_t>(split));
  return config_.records + static_cast<int64_t>(split % 4) * 3;
}

int64_t Outside::Available(uint64_t split) const {
  const auto through = [&](absl::Duration time) {
    return absl::ToInt64Milliseconds(time) * config_.records_per_second / 1000;
  };
  const int64_t so_far = through(world_.now());
  if (LastIsHeldBack()) return std::min(so_far, EndOf(split) - 1);
  const absl::Duration paused = absl::Milliseconds(config_.keyed.pause_ms);
  int64_t pause = 0;
  if (keyed_input_ && keyed_input_->PausesAt(static_cast<int64_t>(split), &pause) &&
      so_far > pause) {
    return std::min(std::max(pause, through(world_.now() - paused)), EndOf(split));
  }
  return std::min(so_far, EndOf(split));
}

absl::Duration Outside::PauseOf(uint64_t split, int64_t index) const {
  int64_t pause = 0;
  const bool pauses =
      keyed_input_ && keyed_input_->PausesAt(static_cast<int64_t>(split), &pause) && index >= pause;
  return pauses ? absl::Milliseconds(config_.keyed.pause_ms) : absl::ZeroDuration();
}

// What has come out by the clock says when the input ends.
bool Outside::LastIsHeldBack() const { return config_.keyed.by_clock() && !ledger_->AllByClock(); }

std::string Outside::Awaits() const { return LastIsHeldBack() ? ledger_->CheckComplete() : ""; }

absl::Duration Outside::UntilAvailable(uint64_t split, int64_t index) const {
  if (LastIsHeldBack() && index + 1 == EndOf(split)) return kLookAgain;
  const absl::Duration due =
      absl::Milliseconds((index + 1) * 1000 / config_.records_per_second + 1) +
      PauseOf(split, index);
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

void Outside::Violate(const std::string& what) {
  if (!what.empty()) world_.Violate("Oracle", what);
}

void Outside::CommitResult(const KeyedResult& result) { Violate(ledger_->Commit(result)); }

void Outside::DeliverResult(const KeyedResult& result) { Violate(ledger_->Deliver(result)); }

void Outside::CheckResults() { Violate(ledger_->CheckComplete()); }

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

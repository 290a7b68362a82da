#include "tests/sim/outside.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"

namespace weir::sim {

std::string Transaction::Encode() const {
  std::string text = absl::StrCat(id, " ", subtask, " ", epoch.value());
  for (const SplitRange& range : ranges) {
    absl::StrAppend(&text, " ", range.split, ":", range.from, ":", range.to);
  }
  return text;
}

Transaction Transaction::Decode(const std::string& committable) {
  const std::vector<std::string> words = absl::StrSplit(committable, ' ');
  WEIR_CHECK(words.size() >= 3) << "committable '" << committable << "'";
  Transaction transaction;
  uint64_t epoch = 0;
  transaction.id = words[0];
  WEIR_CHECK(absl::SimpleAtoi(words[1], &transaction.subtask)) << committable;
  WEIR_CHECK(absl::SimpleAtoi(words[2], &epoch)) << committable;
  transaction.epoch = Epoch(epoch);
  for (size_t i = 3; i < words.size(); ++i) {
    const std::vector<std::string> parts = absl::StrSplit(words[i], ':');
    SplitRange range;
    WEIR_CHECK(parts.size() == 3 && absl::SimpleAtoi(parts[0], &range.split) &&
               absl::SimpleAtoi(parts[1], &range.from) && absl::SimpleAtoi(parts[2], &range.to))
        << committable;
    transaction.ranges.push_back(range);
  }
  return transaction;
}

Outside::Outside(SimWorld& world, const SimConfig& config, const LogTruth& truth)
    : world_(world), config_(config), truth_(truth) {}

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

void Outside::Commit(const std::string& job, const CommitPermit& permit,
                     const Transaction& transaction) {
  world_.Trace("commit", job, transaction.Encode());
  if (!truth_.IsOwned(job, permit.epoch())) {
    return world_.Violate("Permits", absl::StrCat("commit under a permit for epoch ",
                                                  permit.epoch().value(), ", which is not owned"));
  }
  if (transaction.epoch > permit.epoch()) {
    return world_.Violate(
        "Permits", absl::StrCat("epoch ", transaction.epoch.value(),
                                " committed under a permit for epoch ", permit.epoch().value()));
  }
  if (!committed_.insert(transaction.id).second) return;  // idempotent
  Epoch& last = last_epoch_[transaction.subtask];
  if (transaction.epoch < last) {
    return world_.Violate("Permits",
                          absl::StrCat("subtask ", transaction.subtask, " commits epoch ",
                                       transaction.epoch.value(), " behind epoch ", last.value()));
  }
  last = transaction.epoch;
  for (const SplitRange& range : transaction.ranges) {
    const auto [it, first] = next_.try_emplace(range.split, range.from);
    if (it->second != range.from) {
      return world_.Violate("ExactlyOnce",
                            absl::StrCat("split ", range.split, ": records ", range.from, " to ",
                                         range.to, " committed where ", it->second, " comes next"));
    }
    it->second = range.to;
  }
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

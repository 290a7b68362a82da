#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "tests/sim/keyed/keyed_ledger.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// Rows [from, to) of one split.
struct SplitRange {
  uint64_t split = 0;
  int64_t from = 0;
  int64_t to = 0;
};

/// The world outside the cluster: what the source holds and what the sinks received; also the
/// oracle of delivery. Checks while things happen: records of a split are committed in order, once,
/// and without a gap.
class Outside {
 public:
  Outside(SimWorld& world, const SimConfig& config);

  // Source.
  /// Starting position as discovery number n resolves it.
  int64_t ResolveStart(uint64_t split);
  int64_t EndOf(uint64_t split) const;      // one behind the last record, for ever
  int64_t Available(uint64_t split) const;  // one behind the last record that is there now
  absl::Duration UntilAvailable(uint64_t split, int64_t index) const;
  uint64_t KnownSplits() const;  // how many discovery finds now

  /// Whether a request to source or sink fails now; never again after Heal.
  bool Refuses(Random& random) const { return !healed_ && Chance(random, config_.sink_error); }
  void Heal() { healed_ = true; }
  bool healed() const { return healed_; }

  // Sinks.
  void Deliver(const SplitRange& range);
  /// One record of a transaction that is committed now.
  void Commit(uint64_t split, int64_t index);

  /// Of a keyed job, what its sink got; else nothing.
  const std::optional<KeyedInput>& keyed_input() const { return keyed_input_; }
  const KeyedLedger& ledger() const { return *ledger_; }
  void CommitResult(const KeyedResult& result);
  void DeliverResult(const KeyedResult& result);
  /// The job has FINISHED: all of it is there.
  void CheckResults();
  /// What the last records of a job that goes by the clock wait for; empty: nothing.
  std::string Awaits() const;

  /// Records of the split below this position have all reached the sink, from `start` on.
  bool Contains(uint64_t split, int64_t start, int64_t position) const;
  int64_t CommittedThrough(uint64_t split, int64_t start) const;

 private:
  void Violate(const std::string& what);
  bool LastIsHeldBack() const;
  absl::Duration PauseOf(uint64_t split, int64_t index) const;

  SimWorld& world_;
  const SimConfig& config_;
  bool healed_ = false;
  std::optional<KeyedInput> keyed_input_;
  std::optional<KeyedLedger> ledger_;
  uint64_t discoveries_ = 0;
  std::map<uint64_t, std::set<int64_t>> delivered_;
  std::map<uint64_t, int64_t> next_;  // transactional: position behind what is committed
};

}  // namespace weir::sim

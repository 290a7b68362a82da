#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/connector/commit_permit.h"
#include "tests/sim/log_truth.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// Rows [from, to) of one split.
struct SplitRange {
  uint64_t split = 0;
  int64_t from = 0;
  int64_t to = 0;
};

/// What a transactional writer prepared under one epoch: the opaque committable of the model sink.
struct Transaction {
  std::string id;  // never used again
  uint32_t subtask = 0;
  Epoch epoch;
  std::vector<SplitRange> ranges;

  std::string Encode() const;
  static Transaction Decode(const std::string& committable);
};

/// The world outside the cluster: what the source holds and what the sinks received; also the
/// oracle of delivery. Checks while things happen: an external commit needs the permit of an owned
/// epoch, commits of a split are in order, once, and without a gap; a record acknowledged to a
/// checkpoint was delivered (C1, and the content of the sinks).
class Outside {
 public:
  Outside(SimWorld& world, const SimConfig& config, const LogTruth& truth);

  // Source.
  /// Starting position as discovery number n resolves it.
  int64_t ResolveStart(uint64_t split);
  int64_t EndOf(uint64_t split) const;      // one behind the last record, for ever
  int64_t Available(uint64_t split) const;  // one behind the last record that is there now
  absl::Duration UntilAvailable(int64_t index) const;
  uint64_t KnownSplits() const;  // how many discovery finds now

  /// Whether a request to source or sink fails now; never again after Heal.
  bool Refuses(Random& random) const { return !healed_ && Chance(random, config_.sink_error); }
  void Heal() { healed_ = true; }

  // Sinks.
  void Deliver(const SplitRange& range);
  void Commit(const std::string& job, const CommitPermit& permit, const Transaction& transaction);
  bool IsCommitted(const std::string& transaction) const {
    return committed_.count(transaction) > 0;
  }

  /// Records of the split below this position have all reached the sink, from `start` on.
  bool Contains(uint64_t split, int64_t start, int64_t position) const;
  int64_t CommittedThrough(uint64_t split, int64_t start) const;

 private:
  SimWorld& world_;
  const SimConfig& config_;
  const LogTruth& truth_;
  bool healed_ = false;
  uint64_t discoveries_ = 0;
  std::map<uint64_t, std::set<int64_t>> delivered_;
  std::map<uint64_t, int64_t> next_;  // transactional: position behind what is committed
  std::set<std::string> committed_;
  std::map<uint32_t, Epoch> last_epoch_;  // of each subtask's sink
};

}  // namespace weir::sim

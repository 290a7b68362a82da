#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/metrics/histogram.h"
#include "proto/client.pb.h"

namespace weir::jobmanager {

/// What `weir checkpoint list` shows: counts, and the newest attempts, newest first (64 at most).
/// One owner, no threads.
class CheckpointStatistics {
 public:
  void OnTriggered(Epoch epoch, Generation generation, LeaderTerm term, int64_t now_ms);
  /// The attempt as it ended; here and below it was triggered before.
  proto::CheckpointDetails OnCompleted(Epoch epoch, int64_t now_ms, uint64_t state_bytes);
  proto::CheckpointDetails OnFailed(Epoch epoch, int64_t now_ms, const std::string& why);
  void OnCommitted(Epoch through);
  void OnRetired(Epoch epoch);
  void OnRestored(Epoch epoch) { restored_ = epoch; }
  /// What the subtasks did, before it ends or behind it.
  void OnAnswered(Epoch epoch, std::vector<proto::SubtaskCheckpoint> subtasks);

  proto::CheckpointCounts Counts() const;
  /// Without their subtasks.
  void FillDetails(proto::ListCheckpointsResponse* response) const;
  /// That one with its subtasks; nothing when it is none of the newest.
  std::optional<proto::CheckpointDetails> Details(Epoch epoch) const;
  uint64_t completed() const { return completed_; }
  uint64_t failed() const { return failed_; }
  /// Of the newest that completed under this leader.
  std::optional<uint64_t> latest_state_bytes() const { return latest_state_bytes_; }
  /// Of those that completed.
  Histogram::Snapshot durations() const { return durations_.TakeSnapshot(); }

 private:
  using Subtasks = std::vector<proto::SubtaskCheckpoint>;

  proto::CheckpointDetails* Find(Epoch epoch);

  uint64_t triggered_ = 0;
  uint64_t completed_ = 0;
  uint64_t failed_ = 0;
  std::optional<Epoch> latest_;
  std::optional<Epoch> restored_;
  std::optional<uint64_t> latest_state_bytes_;
  // From 1 ms to a quarter of an hour, each bucket twice the one before.
  Histogram durations_{
      {.lowest = 1'000'000, .highest = 900'000'000'000, .steps = 1, .scale = 1e-9}};
  std::deque<proto::CheckpointDetails> newest_;
  std::map<Epoch, Subtasks> subtasks_;  // of those in newest_
};

}  // namespace weir::jobmanager

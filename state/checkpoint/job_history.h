#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"

namespace weir {

/// What a job's log says, folded entry by entry: the only durable truth about a job.
/// Pure; one owner, no threads. Protocol: docs/protocols/logs.md.
class JobHistory {
 public:
  struct OwnedEpoch {
    LeaderTerm term;
    proto::CheckpointOwned checkpoint;
  };

  /// Applies the next entry. DATA_LOSS when the log breaks its own rules (an epoch owned twice,
  /// entry 1 not a submission, ...); the history is unchanged then.
  absl::Status Apply(const proto::JobLogEntry& entry);

  bool submitted() const { return submitted_.has_value(); }
  const proto::JobSubmitted& submission() const { return *submitted_; }
  LeaderTerm term() const { return term_; }
  Generation generation() const { return generation_; }
  /// Generations that began behind the first one, without those that only settled sinks.
  uint64_t restarts() const { return runs_ == 0 ? 0 : runs_ - 1; }
  const proto::JobStarted* last_start() const { return start_ ? &*start_ : nullptr; }

  /// Owned epochs that are not retired, oldest first.
  const std::map<Epoch, OwnedEpoch>& owned() const { return owned_; }
  const OwnedEpoch* newest_owned() const;
  /// Highest epoch of any entry; the next attempt must be above it. Absent before the first.
  std::optional<Epoch> highest_epoch() const { return highest_epoch_; }
  /// Of any checkpoint that was ever owned.
  std::optional<Epoch> highest_owned() const { return highest_owned_; }
  /// Receipts: every epoch up to this one is committed everywhere.
  std::optional<Epoch> committed_through() const { return committed_through_; }
  bool AwaitsReceipt(Epoch epoch) const;

  /// Absent when it has been resumed since.
  const proto::JobSuspended* suspended() const { return suspended_ ? &*suspended_ : nullptr; }
  /// A person asked for a suspension that has not come about yet.
  bool suspension_requested() const { return suspension_requested_; }
  /// What was decided about the epochs that still await their receipt.
  proto::ResumePolicy resume_policy() const;

  const proto::StopRequested* stop_requested() const { return stop_ ? &*stop_ : nullptr; }
  const proto::JobFailing* failing() const { return failing_ ? &*failing_ : nullptr; }
  const proto::JobTerminal* terminal() const { return terminal_ ? &*terminal_ : nullptr; }
  /// Objects named by aborted and retired entries of the newest leader and the one before it: their
  /// deletion may not have happened yet. Those of the terminal entry stand there.
  const std::vector<std::string>& doomed_objects() const { return doomed_; }

 private:
  absl::Status ApplyCheckpoint(const proto::JobLogEntry& entry);
  void RaiseEpoch(Epoch epoch);
  template <class Objects>
  void Doom(const Objects& objects);

  std::optional<proto::JobSubmitted> submitted_;
  LeaderTerm term_;
  Generation generation_;
  uint64_t runs_ = 0;
  std::optional<proto::JobStarted> start_;
  std::map<Epoch, OwnedEpoch> owned_;
  std::optional<Epoch> highest_epoch_;
  std::optional<Epoch> highest_owned_;
  std::optional<Epoch> committed_through_;
  std::optional<proto::JobSuspended> suspended_;
  bool suspension_requested_ = false;
  proto::ResumePolicy resume_policy_ = proto::AS_CONFIGURED;
  std::optional<Epoch> resumed_through_;  // the newest owned epoch when that was decided
  std::optional<proto::StopRequested> stop_;
  std::optional<proto::JobFailing> failing_;
  std::optional<proto::JobTerminal> terminal_;
  std::vector<std::string> doomed_;
  std::ptrdiff_t inherited_ = 0;  // of those, named before the newest takeover
};

}  // namespace weir

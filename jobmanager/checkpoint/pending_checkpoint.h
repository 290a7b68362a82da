#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"
#include "proto/checkpoint_statistics.pb.h"
#include "proto/control.pb.h"

namespace weir::jobmanager {

/// One attempt (term, epoch) under way: which tasks have answered, and with what. Pure bookkeeping;
/// one owner, no threads.
class PendingCheckpoint {
 public:
  PendingCheckpoint(Epoch epoch, LeaderTerm term, bool final, const std::vector<SubtaskId>& tasks,
                    absl::Duration now);

  Epoch epoch() const { return epoch_; }
  LeaderTerm term() const { return term_; }
  bool final() const { return final_; }
  /// Tasks emit nothing behind it.
  void Suspends() { suspends_ = true; }
  absl::Duration started() const { return started_; }
  proto::CheckpointTrigger Trigger() const;

  /// Takes the snapshots of an answer that belongs to this attempt; repeats change nothing.
  void OnAnswer(const proto::CheckpointAnswer& answer, absl::Duration now);
  bool complete() const { return waiting_.empty(); }
  bool HasAnswered(const SubtaskId& task) const { return waiting_.count(task) == 0; }
  const std::set<SubtaskId>& waiting() const { return waiting_; }

  /// Fills in the tasks of the manifest, ordered by vertex and index.
  void FillManifest(proto::CheckpointManifest* manifest) const;
  /// Blobs written for it so far, as far as answers told.
  std::vector<std::string> Blobs() const;
  /// All that a restore reads, also what earlier checkpoints wrote.
  uint64_t StateBytes() const;
  /// What those that have answered did, ordered by vertex and index; without the vertices' names.
  std::vector<proto::SubtaskCheckpoint> Statistics() const;

 private:
  const Epoch epoch_;
  const LeaderTerm term_;
  const bool final_;
  bool suspends_ = false;
  const absl::Duration started_;
  std::set<SubtaskId> waiting_;
  std::map<SubtaskId, proto::TaskSnapshot> snapshots_;
  std::map<SubtaskId, proto::SubtaskCheckpoint> statistics_;
};

}  // namespace weir::jobmanager

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"
#include "proto/checkpoint_statistics.pb.h"
#include "proto/control.pb.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::taskmanager {

/// A task's part of a checkpoint, as it is reported. An error declines the attempt; the snapshot
/// then says what was written for it before, if anything.
struct WrittenSnapshot {
  absl::Status status{};
  proto::TaskSnapshot snapshot{};
  proto::SubtaskCheckpoint statistics{};
};

/// The parallelism and the key groups that its task has in this deployment.
void TellLayout(const proto::Deployment& deployment, proto::TaskSnapshot* snapshot);
/// Where a task's time went; sizes are still to be added.
proto::SubtaskCheckpoint StatisticsOf(SubtaskId task, const SnapshotTimes& times);
/// What was written for it, and what it refers to in all.
void AddSizes(const proto::TaskSnapshot& snapshot, proto::SubtaskCheckpoint* statistics);

/// What the tasks of a generation answered to checkpoint attempts, for every report until the
/// leader's directives show that it has them. One owner, no threads.
class CheckpointAnswers {
 public:
  explicit CheckpointAnswers(WorkerId worker) : worker_(std::move(worker)) {}

  /// Gives how many tasks have answered.
  size_t Add(const Barrier& barrier, WrittenSnapshot written);
  /// Drops what the directive does not wait for.
  void OnDirective(const proto::WorkerDirective& directive);
  void FillReport(proto::WorkerReport* report) const;
  void Clear();

 private:
  const WorkerId worker_;
  std::map<std::pair<Epoch, LeaderTerm>, proto::CheckpointAnswer> answers_;
  Epoch newest_trigger_;
};

}  // namespace weir::taskmanager

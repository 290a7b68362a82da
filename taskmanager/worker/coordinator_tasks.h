#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/connector/commit_permit.h"
#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/operator/stream_graph.h"
#include "proto/checkpoint.pb.h"
#include "proto/control.pb.h"
#include "taskmanager/worker/patience.h"

namespace weir::taskmanager {

/// The coordinator tasks of one generation: the enumerators of all sources and the committers of
/// all sinks. One worker of a job hosts them.
///
/// Life cycle: Initialize once, then Discover, Refresh and Sweep any number of times. Made anew for
/// each generation.
/// Threads: not thread-safe; every call blocks (Kafka, storage): one at a time, on a BlockingPool;
/// but Refresh and Sweep may run beside each other and Discover.
/// Lifetime: borrows the graph.
/// Errors: as SplitEnumerator and SinkCommitter; CANCELLED when Patience::wait is.
class CoordinatorTasks {
 public:
  /// `on_progress` is called during Initialize, whenever it has got on by a step, or waits.
  explicit CoordinatorTasks(
      const StreamGraph& graph, std::function<void()> on_progress = [] {}, Patience patience = {})
      : graph_(graph), on_progress_(std::move(on_progress)), patience_(std::move(patience)) {}

  /// Commits what earlier generations prepared, oldest first, looks at where the sinks write to,
  /// then finds the splits. Answers from outside that pass by themselves are waited for, those of
  /// each sink and source, as Patience says. `deployment` carries restored split and sink states
  /// and the owned epochs without receipt. A deployment for cleanup ends with the sinks, and
  /// releases them; so does one that fails without a restored checkpoint.
  absl::Status Initialize(const proto::Deployment& deployment, const SinkIdentity& identity,
                          Generation generation, LeaderTerm term);

  /// Looks for splits that appeared meanwhile; true when there are some.
  absl::StatusOr<bool> Discover();
  /// The shortest discovery interval of all sources; zero: never look again.
  absl::Duration discovery_interval() const;

  /// SinkCommitter::Refresh of every sink with a committer; one error, naming the sink.
  absl::Status Refresh() const;
  /// SinkCommitter::Sweep, likewise.
  absl::Status Sweep() const;
  bool has_committers() const { return !sinks_.empty(); }

  /// All splits known: restored positions, or resolved starting positions.
  const std::vector<proto::SourceCoordinatorState>& states() const { return states_; }
  /// What the committers found, for the writers.
  const std::vector<proto::SinkCoordinatorState>& sinks() const { return sinks_; }
  /// What they counted.
  const std::vector<proto::SinkMetrics>& sink_metrics() const { return sink_metrics_; }
  /// What an operator should know of where the sinks write to: sentences that name the sink.
  const std::vector<std::string>& notes() const { return notes_; }
  /// The owner of every split; one entry for each reader, also for those without splits.
  const std::vector<proto::SplitAssignment>& assignments() const { return assignments_; }

 private:
  absl::Status InitializeAll(const proto::Deployment& deployment, const SinkIdentity& identity,
                             Generation generation, LeaderTerm term);
  struct SourceTask {
    const StreamNode* node = nullptr;
    std::unique_ptr<SplitEnumerator> enumerator;
    uint32_t parallelism = 1;
    std::map<std::string, SourceSplit> splits;
  };

  absl::Status RecoverSink(const StreamNode& node, const proto::Deployment& deployment,
                           SinkRecovery recovery, LeaderTerm term);
  absl::Status DiscoverOne(SourceTask& source, bool* found);
  using CommitterCall = absl::Status (SinkCommitter::*)(const SinkIdentity&, const std::string&);
  absl::Status ForEachCommitter(CommitterCall call) const;
  void Publish();

  const StreamGraph& graph_;
  std::vector<std::unique_ptr<SinkCommitter>> committers_;  // while Initialize runs
  const std::function<void()> on_progress_;
  const Patience patience_;
  SinkIdentity identity_;  // without a sink's uid
  std::vector<SourceTask> sources_;
  std::vector<proto::SourceCoordinatorState> states_;
  std::vector<proto::SinkCoordinatorState> sinks_;
  std::vector<proto::SinkMetrics> sink_metrics_;
  std::vector<std::string> notes_;
  std::vector<proto::SplitAssignment> assignments_;
};

}  // namespace weir::taskmanager

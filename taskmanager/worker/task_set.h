#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/connector/commit_permit.h"
#include "common/operator/stream_graph.h"
#include "common/time/clock.h"
#include "proto/control.pb.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_builder.h"
#include "taskmanager/task/task_host.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/worker/channel_map.h"
#include "taskmanager/worker/generation_preparation.h"
#include "taskmanager/worker/worker_metrics.h"

namespace weir::taskmanager {

/// The host of each slot; makes one when a slot is used for the first time.
using TaskHostProvider = std::function<TaskHost&(uint32_t slot)>;

/// The tasks of one generation on one worker: builds them, passes commands on at most once each,
/// and keeps what is known of them.
///
/// Threads: not thread-safe; the worker's executor. Lifetime: borrows everything it is given.
class TaskSet {
 public:
  /// Builds all tasks of the deployment, connected to each other and to the exchange, which may be
  /// null when no channel leaves the worker; gives none to a host yet.
  /// `restored`: operator states with their blobs loaded, per task.
  static absl::StatusOr<std::unique_ptr<TaskSet>> Build(
      const StreamGraph& graph, const proto::Deployment& deployment,
      const std::map<SubtaskId, RestoredTask>& restored, ChannelMap& channels,
      const ExchangeEndpoint* exchange, const TaskEnvironment& environment);

  /// Hands the tasks to their hosts and starts them, with what the sinks' committers found.
  void Start(const TaskHostProvider& hosts, const Task::SinkStates& sinks);
  /// Gives readers the splits they have not got yet. An empty first assignment counts.
  void Assign(const google::protobuf::RepeatedPtrField<proto::SplitAssignment>& assignments);
  void Trigger(const proto::CheckpointTrigger& trigger);
  void Permit(const CommitPermit& permit);
  void Received(Epoch epoch);
  void Aborted(Epoch epoch);
  void StopSources();
  void Hold(bool held);

  void OnRunning(SubtaskId task);
  void OnFinished(SubtaskId task);
  void OnCommitted(SubtaskId task, Epoch epoch);

  bool started() const { return started_; }
  bool AllRunning() const;
  size_t size() const { return tasks_.size(); }
  /// What every task with a sink has committed, once all said so.
  std::optional<Epoch> CommittedByAll() const;
  void Report(proto::WorkerReport* report) const;
  void AddMetrics(const WorkerMetricsMoment& moment, proto::WorkerMetrics* metrics) const;

 private:
  struct Entry {
    std::shared_ptr<Task> task;
    uint32_t slot = 0;
    std::string source_uid;  // empty: fed by another task
    bool assigned = false;
    std::set<std::string> splits;
    proto::TaskReport::State state = proto::TaskReport::READY;
    std::optional<Epoch> committed;
  };

  std::map<SubtaskId, Entry> tasks_;
  bool started_ = false;
  bool sources_stopped_ = false;
  bool held_ = false;
  std::optional<Epoch> triggered_;
  std::optional<Epoch> permitted_;
  std::optional<Epoch> received_;
  std::optional<Epoch> aborted_;
};

}  // namespace weir::taskmanager

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "jobmanager/checkpoint/pending_checkpoint.h"
#include "jobmanager/scheduler/deployment_plan.h"
#include "proto/client.pb.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"

namespace weir::jobmanager {

/// One generation of a job as the leader sees it: what each worker was given, what each last
/// reported, and hence what each has to be told. Pure bookkeeping; one owner, no threads.
class Execution {
 public:
  Execution(Generation generation, const proto::JobGraph& graph, ExecutionPlacement placement);

  Generation generation() const { return generation_; }
  const ExecutionPlacement& placement() const { return placement_; }
  bool Uses(const WorkerId& worker) const { return workers_.count(worker) > 0; }
  const std::vector<SubtaskId>& tasks() const { return tasks_; }

  /// The `started` entry counts: workers may be told.
  void Admit(std::map<WorkerId, proto::Deployment> deployments);
  bool admitted() const { return admitted_; }
  /// Epoch 0 or the restored epoch is durable: sources may read.
  void AllowRun() { run_ = true; }
  bool run_allowed() const { return run_; }
  void StopSources() { stop_sources_ = true; }
  /// While they are held, sources read nothing.
  void HoldSources(bool held) { hold_sources_ = held; }

  /// Reports of other generations are ignored. True when it was the last one to tell how its worker
  /// is reached: workers that wait for that can be told now.
  bool OnReport(const WorkerId& worker, Generation generation, const proto::WorkerReport& report);

  bool AllReady() const;     // every worker READY or further
  bool AllRunning() const;   // every worker RUNNING
  bool AllFinished() const;  // every task FINISHED
  std::optional<proto::Failure> FirstFailure() const;
  /// Split states as the coordinator task last told.
  std::vector<proto::SourceCoordinatorState> SourceStates() const;
  /// What the sinks' committers told, once the coordinator task is READY.
  std::vector<proto::SinkCoordinatorState> SinkStates() const;
  /// What every worker has committed, if all said so.
  std::optional<Epoch> CommittedByAll() const;

  struct CheckpointView {
    const PendingCheckpoint* pending = nullptr;
    std::optional<Epoch> permitted;
    std::optional<Epoch> received;
    const std::deque<Epoch>* failed = nullptr;
  };
  proto::WorkerDirective DirectiveFor(const WorkerId& worker, const CheckpointView& view) const;

  void Describe(proto::JobDetails* details) const;

 private:
  struct Worker {
    proto::Deployment deployment;
    std::optional<proto::WorkerReport> report;  // of this generation
    std::optional<proto::ExchangePeer> exchange;
  };

  void AddAssignments(const WorkerId& worker, proto::WorkerDirective* directive) const;
  bool HasAnswered(const Worker& worker, const PendingCheckpoint& pending) const;
  bool AllReachable() const;

  const Generation generation_;
  const proto::JobGraph& graph_;
  const ExecutionPlacement placement_;
  const std::vector<SubtaskId> tasks_;
  std::map<WorkerId, Worker> workers_;
  bool admitted_ = false;
  bool run_ = false;
  bool stop_sources_ = false;
  bool hold_sources_ = false;
};

}  // namespace weir::jobmanager

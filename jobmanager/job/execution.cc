#include "jobmanager/job/execution.h"

#include <algorithm>
#include <utility>

namespace weir::jobmanager {

using proto::TaskReport;
using proto::WorkerReport;

Execution::Execution(Generation generation, const proto::JobGraph& graph,
                     ExecutionPlacement placement)
    : generation_(generation),
      graph_(graph),
      placement_(std::move(placement)),
      tasks_(AllSubtasks(graph)) {
  for (const WorkerId& worker : placement_.slot_workers) workers_[worker];
}

void Execution::Admit(std::map<WorkerId, proto::Deployment> deployments) {
  admitted_ = true;
  for (auto& [worker, deployment] : deployments) {
    workers_.at(worker).deployment = std::move(deployment);
  }
}

bool Execution::OnReport(const WorkerId& worker, Generation generation,
                         const WorkerReport& report) {
  const auto it = workers_.find(worker);
  if (it == workers_.end() || generation != generation_) return false;
  it->second.report = report;
  if (!report.has_exchange() || it->second.exchange) return false;
  it->second.exchange = report.exchange();
  return workers_.size() > 1 && AllReachable();
}

bool Execution::AllReachable() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& entry) { return entry.second.exchange.has_value(); });
}

bool Execution::AllReady() const {
  return admitted_ && std::all_of(workers_.begin(), workers_.end(), [](const auto& entry) {
           return entry.second.report && (entry.second.report->state() == WorkerReport::READY ||
                                          entry.second.report->state() == WorkerReport::RUNNING);
         });
}

bool Execution::AllRunning() const {
  return admitted_ && std::all_of(workers_.begin(), workers_.end(), [](const auto& entry) {
           return entry.second.report && entry.second.report->state() == WorkerReport::RUNNING;
         });
}

bool Execution::AllFinished() const {
  size_t finished = 0;
  for (const auto& [id, worker] : workers_) {
    if (!worker.report) return false;
    for (const TaskReport& task : worker.report->tasks()) {
      if (task.state() == TaskReport::FINISHED) ++finished;
    }
  }
  return finished == tasks_.size();
}

std::optional<proto::Failure> Execution::FirstFailure() const {
  for (const auto& [id, worker] : workers_) {
    if (worker.report && worker.report->state() == WorkerReport::FAILED) {
      return worker.report->failure();
    }
  }
  return std::nullopt;
}

std::vector<proto::SourceCoordinatorState> Execution::SourceStates() const {
  const Worker& coordinator = workers_.at(placement_.coordinator());
  if (!coordinator.report) return {};
  return {coordinator.report->coordinators().begin(), coordinator.report->coordinators().end()};
}

std::vector<proto::SinkCoordinatorState> Execution::SinkStates() const {
  const Worker& coordinator = workers_.at(placement_.coordinator());
  if (!coordinator.report) return {};
  return {coordinator.report->sinks().begin(), coordinator.report->sinks().end()};
}

std::optional<Epoch> Execution::CommittedByAll() const {
  std::optional<Epoch> least;
  for (const auto& [id, worker] : workers_) {
    if (!worker.report || !worker.report->has_committed_epoch()) return std::nullopt;
    const Epoch committed(worker.report->committed_epoch());
    if (!least || committed < *least) least = committed;
  }
  return least;
}

bool Execution::HasAnswered(const Worker& worker, const PendingCheckpoint& pending) const {
  for (const proto::TaskDeployment& task : worker.deployment.tasks()) {
    if (!pending.HasAnswered({VertexId(task.vertex()), task.index()})) return false;
  }
  return true;
}

void Execution::AddAssignments(const WorkerId& worker, proto::WorkerDirective* directive) const {
  const Worker& coordinator = workers_.at(placement_.coordinator());
  if (!coordinator.report) return;
  for (const proto::SplitAssignment& assignment : coordinator.report->new_assignments()) {
    if (placement_.slot_workers[assignment.index()] == worker) {
      *directive->add_assignments() = assignment;
    }
  }
}

proto::WorkerDirective Execution::DirectiveFor(const WorkerId& id,
                                               const CheckpointView& view) const {
  proto::WorkerDirective directive;
  const Worker& worker = workers_.at(id);
  if (!worker.report) {
    *directive.mutable_deployment() = worker.deployment;
  } else if (worker.report->state() == WorkerReport::INITIALIZING && AllReachable()) {
    for (const auto& [peer, other] : workers_) {
      if (peer != id) *directive.add_peers() = *other.exchange;
    }
  }
  if (run_) {
    directive.set_run(true);
    AddAssignments(id, &directive);
    for (proto::SinkCoordinatorState& sink : SinkStates()) *directive.add_sinks() = std::move(sink);
  }
  directive.set_stop_sources(stop_sources_);
  directive.set_hold_sources(hold_sources_);
  if (view.pending != nullptr && !HasAnswered(worker, *view.pending)) {
    *directive.mutable_trigger() = view.pending->Trigger();
  }
  if (view.permitted) directive.set_permitted_epoch(view.permitted->value());
  if (view.received) directive.set_received_epoch(view.received->value());
  if (view.failed != nullptr) {
    for (const Epoch epoch : *view.failed) directive.add_failed_epochs(epoch.value());
  }
  return directive;
}

void Execution::Describe(proto::JobDetails* details) const {
  for (const auto& [id, worker] : workers_) {
    if (!worker.report) continue;
    for (const std::string& note : worker.report->notes()) details->add_notes(note);
    for (const proto::SinkMetrics& sink : worker.report->sink_metrics()) {
      if (!sink.values().empty()) *details->add_sinks() = sink;
    }
    for (const TaskReport& task : worker.report->tasks()) {
      proto::TaskDetails* one = details->add_tasks();
      one->set_vertex(task.vertex());
      one->set_index(task.index());
      one->set_state(TaskReport::State_Name(task.state()));
      one->set_worker(id.value());
      one->set_records_in(task.records_in());
      one->set_records_out(task.records_out());
      *one->mutable_splits() = task.splits();
      *one->mutable_sinks() = task.sinks();
      *one->mutable_operators() = task.operators();
      for (const proto::JobVertex& vertex : graph_.vertices()) {
        if (vertex.id() == task.vertex()) one->set_name(vertex.name());
      }
    }
  }
}

}  // namespace weir::jobmanager

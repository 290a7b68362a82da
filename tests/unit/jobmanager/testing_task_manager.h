#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/protocol_version.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "jobmanager/resource/task_manager_registry.h"
#include "proto/control.pb.h"

namespace weir::jobmanager {

/// What TestingWorkers do with what they are told.
struct WorkerBehavior {
  bool become_ready = true;  // a deployment is followed by READY
  uint64_t initialization_steps = 0;
  bool answer_triggers = true;  // a trigger is answered by all tasks
  bool commit = true;           // permits are followed by commits
  bool finished = false;        // the input is over
  std::vector<std::pair<std::string, std::string>> committables = {};  // with their texts
  std::vector<std::string> files = {};  // blobs that every checkpoint refers to
};

/// A worker as the JobManager sees it.
class TestingWorker {
 public:
  TestingWorker(proto::WorkerSpec worker, const WorkerBehavior& behavior)
      : spec(std::move(worker)), behavior_(behavior) {}

  void Obey(const proto::Header& header, const proto::WorkerDirective& directive) {
    if (deaf) return;
    const uint64_t wanted = header.generation();
    last = directive;
    if (wanted != generation) {
      generation = 0;
      deployment.Clear();
      committed.reset();
      failure.reset();
      if (directive.has_deployment()) {
        generation = wanted;
        generations.push_back(wanted);
        deployment = directive.deployment();
      }
    }
    ran = generation != 0 && directive.run();
    if (ran && behavior_.commit && directive.has_permitted_epoch() &&
        directive.permitted_epoch() > deployment.restored_epoch()) {
      committed = directive.permitted_epoch();
    }
  }

  proto::WorkerReport Report() const {
    using proto::TaskReport;
    using proto::WorkerReport;
    WorkerReport report;
    report.set_state(generation == 0                 ? WorkerReport::IDLE
                     : failure                       ? WorkerReport::FAILED
                     : ran && behavior_.become_ready ? WorkerReport::RUNNING
                     : behavior_.become_ready        ? WorkerReport::READY
                                                     : WorkerReport::INITIALIZING);
    if (failure) *report.mutable_failure() = *failure;
    report.set_initialization_steps(behavior_.initialization_steps);
    for (const std::string& stall : stalls) report.add_stalls(stall);
    if (deployment.coordinator()) report.add_notes("the topic is compacted");
    for (const proto::TaskDeployment& task : deployment.tasks()) {
      TaskReport* one = report.add_tasks();
      one->set_vertex(task.vertex());
      one->set_index(task.index());
      one->set_state(!ran                                        ? TaskReport::READY
                     : behavior_.finished || last.stop_sources() ? TaskReport::FINISHED
                                                                 : TaskReport::RUNNING);
    }
    if (deployment.coordinator()) {
      proto::SourceCoordinatorState* source = report.add_coordinators();
      source->set_source_uid("source");
      source->add_splits()->set_id("flights-0");
    }
    if (ran && behavior_.answer_triggers && last.has_trigger()) FillAnswer(report.add_answers());
    if (committed) report.set_committed_epoch(*committed);
    return report;
  }

  proto::WorkerSpec spec;
  uint64_t generation = 0;
  bool ran = false;
  bool silent = false;  // it hangs: no report leaves it
  bool deaf = false;    // a task of it hangs: it cannot do what it is told
  std::vector<std::string> stalls;
  proto::Deployment deployment;
  std::optional<proto::Failure> failure;
  std::optional<uint64_t> committed;
  proto::WorkerDirective last;
  std::vector<uint64_t> generations;  // every one it was deployed in

 private:
  void FillAnswer(proto::CheckpointAnswer* answer) const {
    answer->set_epoch(last.trigger().epoch());
    answer->set_attempt_term(last.trigger().attempt_term());
    for (const proto::TaskDeployment& task : deployment.tasks()) {
      proto::TaskSnapshot* snapshot = answer->add_snapshots();
      snapshot->set_vertex(task.vertex());
      snapshot->set_index(task.index());
      proto::OperatorSnapshot* one = snapshot->add_operators();
      one->set_uid("source");
      proto::SplitState* split = one->add_splits();
      split->set_id("flights-" + std::to_string(task.index()));
      split->set_position("read in epoch " + std::to_string(answer->epoch()));
      for (const auto& [bytes, text] : behavior_.committables) {
        one->add_committables(bytes);
        one->add_committable_texts(text);
      }
      for (const std::string& blob : behavior_.files) {
        one->add_files()->mutable_object()->set_blob(blob);
      }
    }
  }

  const WorkerBehavior& behavior_;
};

/// A TaskManager that registers, runs TestingWorkers as it is told, and relays, all on the test's
/// executor. It reports every heartbeat and whenever something changed.
class TestingTaskManager {
 public:
  TestingTaskManager(std::string id, uint32_t slots, Executor& executor,
                     const WorkerBehavior& behavior)
      : id_(std::move(id)), slots_(slots), executor_(executor), behavior_(behavior) {
    Beat();
  }

  /// Registers with that leader; workers of an earlier one run on.
  void Connect(TaskManagerRegistry& registry) {
    registry_ = &registry;
    registered_ = false;
    session_ = registry.OnStreamOpened(
        [this](proto::Envelope envelope) {
          executor_.Post(lifetime_.Guard([this, envelope] { OnEnvelope(envelope); }));
        },
        lifetime_.Guard([this] { registry_ = nullptr; }));
    Register("");
  }
  /// The stream breaks, or the process dies: the JobManager sees the same.
  void Disconnect() {
    TaskManagerRegistry* registry = std::exchange(registry_, nullptr);
    if (registry != nullptr) registry->OnStreamBroken(session_);
  }
  /// As if the leader had died: it is not told.
  void Forget() { registry_ = nullptr; }

  void KillWorker(const std::string& worker, const std::string& reason) {
    proto::WorkerStatus& status = exits_[worker];
    status.set_worker(worker);
    status.set_job(workers.at(worker).spec.job());
    status.set_state(proto::WorkerStatus::EXITED);
    status.set_exit_reason(reason);
    workers.erase(worker);
    Report();
  }
  /// All of them, and nothing is reported yet.
  void EndWorkers(const std::string& reason) {
    for (const auto& [id, worker] : workers) {
      proto::WorkerStatus& status = exits_[id];
      status.set_worker(id);
      status.set_job(worker.spec.job());
      status.set_state(proto::WorkerStatus::EXITED);
      status.set_exit_reason(reason);
    }
    workers.clear();
  }
  /// It was told to stop, and says so.
  void Leave() {
    leaving_ = true;
    Report();
  }
  void FailWorker(const std::string& worker, const std::string& message, bool retriable) {
    proto::Failure failure;
    failure.set_message(message);
    failure.set_retriable(retriable);
    workers.at(worker).failure = failure;
    ReportWorker(workers.at(worker));
  }

  TestingWorker& only_worker() { return workers.begin()->second; }
  const std::string& id() const { return id_; }

  std::map<std::string, TestingWorker> workers;
  /// What planning comes to; absent: no answer.
  std::optional<absl::StatusOr<proto::JobGraph>> plan;
  int plans_made = 0;
  /// What a question about transactions comes to; absent: no answer.
  std::optional<proto::TransactionsResult> transactions;
  std::vector<proto::RunTransactions> asked;
  /// What a question about logs comes to; absent: no answer.
  std::optional<std::vector<proto::WorkerLog>> logs;
  std::string logs_error;
  std::vector<proto::ReadWorkerLogs> log_questions;

 private:
  proto::Header MakeHeader(const std::string& sender) {
    proto::Header header;
    header.set_term(term_);
    header.set_term_nonce(nonce_);
    header.set_sender(sender);
    header.set_addressee(leader_);
    header.set_sequence(next_sequence_++);
    return header;
  }
  void Send(const proto::Envelope& envelope) {
    if (registry_ != nullptr) registry_->OnMessage(session_, envelope);
  }
  void Register(const std::string& nonce) {
    proto::Envelope envelope;
    proto::RegisterTaskManager* request = envelope.mutable_register_();
    request->set_task_manager(id_);
    request->set_node("node of " + id_);
    request->set_slots(slots_);
    request->set_protocol_min(kProtocolVersion);
    request->set_protocol_max(kProtocolVersion);
    request->set_probe_nonce(nonce);
    Send(envelope);
  }
  void OnEnvelope(const proto::Envelope& envelope) {
    if (registry_ == nullptr) return;
    if (envelope.has_registration_reply()) {
      term_ = envelope.header().term();
      nonce_ = envelope.header().term_nonce();
      leader_ = envelope.header().sender();
      if (!envelope.registration_reply().accepted()) return Register(nonce_);
      registered_ = true;
      Report();
    } else if (envelope.has_task_manager_directive()) {
      OnDirective(envelope.task_manager_directive());
    } else if (envelope.has_worker_directive()) {
      const auto worker = workers.find(envelope.header().addressee());
      if (worker == workers.end()) return;
      worker->second.Obey(envelope.header(), envelope.worker_directive());
      ReportWorker(worker->second);
    } else if (envelope.has_run_planner()) {
      OnRunPlanner(envelope.run_planner());
    } else if (envelope.has_run_transactions()) {
      asked.push_back(envelope.run_transactions());
      if (!transactions) return;
      proto::Envelope answer;
      *answer.mutable_header() = MakeHeader(id_);
      *answer.mutable_transactions_result() = *transactions;
      answer.mutable_transactions_result()->set_request(asked.back().request());
      Send(answer);
    } else if (envelope.has_read_worker_logs()) {
      OnReadWorkerLogs(envelope.read_worker_logs());
    }
  }
  void OnReadWorkerLogs(const proto::ReadWorkerLogs& question) {
    log_questions.push_back(question);
    if (!logs) return;
    proto::Envelope answer;
    *answer.mutable_header() = MakeHeader(id_);
    proto::WorkerLogsResult* result = answer.mutable_worker_logs_result();
    result->set_request(question.request());
    result->set_error(logs_error);
    for (const proto::WorkerLog& log : *logs) *result->add_logs() = log;
    Send(answer);
  }
  void OnDirective(const proto::TaskManagerDirective& directive) {
    std::set<std::string> wanted;
    bool changed = false;
    for (const proto::WorkerSpec& spec : directive.workers()) {
      wanted.insert(spec.worker());
      if (exits_.count(spec.worker()) > 0) continue;
      changed = workers.try_emplace(spec.worker(), spec, behavior_).second || changed;
    }
    for (auto it = workers.begin(); it != workers.end();) {
      it = wanted.count(it->first) > 0 ? std::next(it) : workers.erase(it);
    }
    for (auto it = exits_.begin(); it != exits_.end();) {
      it = wanted.count(it->first) > 0 ? std::next(it) : exits_.erase(it);
    }
    if (changed) Report();
  }
  void OnRunPlanner(const proto::RunPlanner& request) {
    if (!plan) return;
    ++plans_made;
    proto::Envelope envelope;
    *envelope.mutable_header() = MakeHeader(id_);
    envelope.mutable_planner_result()->set_request(request.request());
    if (plan->ok()) {
      *envelope.mutable_planner_result()->mutable_graph() = **plan;
    } else {
      envelope.mutable_planner_result()->set_error(std::string(plan->status().message()));
    }
    Send(envelope);
  }
  void Report() {
    if (!registered_) return;
    proto::Envelope envelope;
    *envelope.mutable_header() = MakeHeader(id_);
    proto::TaskManagerReport* report = envelope.mutable_task_manager_report();
    for (const auto& [id, worker] : workers) {
      proto::WorkerStatus* status = report->add_workers();
      status->set_worker(id);
      status->set_job(worker.spec.job());
      status->set_state(proto::WorkerStatus::CONNECTED);
    }
    for (const auto& [id, status] : exits_) *report->add_workers() = status;
    report->set_leaving(leaving_);
    Send(envelope);
  }
  void ReportWorker(const TestingWorker& worker) {
    if (worker.silent) return;
    proto::Envelope envelope;
    *envelope.mutable_header() = MakeHeader(worker.spec.worker());
    envelope.mutable_header()->set_job(worker.spec.job());
    envelope.mutable_header()->set_generation(worker.generation);
    *envelope.mutable_worker_report() = worker.Report();
    Send(envelope);
  }
  void Beat() {
    Report();
    std::vector<std::string> ids;
    for (const auto& [id, worker] : workers) ids.push_back(id);
    for (const std::string& id : ids) {
      const auto worker = workers.find(id);
      if (registered_ && worker != workers.end()) ReportWorker(worker->second);
    }
    executor_.PostAfter(absl::Milliseconds(200), lifetime_.Guard([this] { Beat(); }));
  }

  const std::string id_;
  const uint32_t slots_;
  Executor& executor_;
  const WorkerBehavior& behavior_;
  TaskManagerRegistry* registry_ = nullptr;
  SessionId session_;
  bool registered_ = false;
  bool leaving_ = false;
  uint64_t term_ = 0;
  std::string nonce_;
  std::string leader_;
  uint64_t next_sequence_ = 1;
  std::map<std::string, proto::WorkerStatus> exits_;  // not forgotten yet
  Lifetime lifetime_;
};

/// A graph of one vertex "source -> sink".
inline proto::JobGraph TestingGraph(uint32_t parallelism, bool transactional = false) {
  proto::JobGraph graph;
  graph.set_job_name("flights");
  graph.set_fingerprint("fingerprint");
  proto::JobVertex* vertex = graph.add_vertices();
  vertex->set_id(1);
  vertex->set_parallelism(parallelism);
  vertex->add_operators()->set_uid("source");
  vertex->add_operators()->set_uid("sink");
  vertex->mutable_operators(1)->set_transactional(transactional);
  return graph;
}

}  // namespace weir::jobmanager

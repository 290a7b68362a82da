#include "taskmanager/worker/worker_endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/log.h"
#include "common/base/protocol_version.h"
#include "common/base/status_macros.h"
#include "common/graph/job_graph.h"
#include "taskmanager/task/task_snapshot_conversion.h"
#include "taskmanager/worker/generation_preparation.h"
#include "taskmanager/worker/operator_state_limits.h"
#include "taskmanager/worker/posting_observer.h"
#include "taskmanager/worker/task_failure_judgement.h"
#include "taskmanager/worker/tiered_state_factory.h"

namespace weir::taskmanager {

using proto::WorkerReport;

WorkerEndpoint::WorkerEndpoint(WorkerId id, JobId job, const StreamGraph& graph,
                               proto::JobGraph plan, Options options, Dependencies dependencies)
    : id_(std::move(id)),
      job_(std::move(job)),
      graph_(graph),
      plan_(std::move(plan)),
      options_(std::move(options)),
      deps_(std::move(dependencies)),
      uploads_(deps_.executor, deps_.uploads == nullptr ? deps_.pool : *deps_.uploads, deps_.files,
               deps_.clock) {
  if (deps_.transport != nullptr) {
    exchange_ =
        std::make_unique<WorkerExchange>(deps_.executor, *deps_.transport, options_.exchange);
  }
  Tick();
  if (deps_.show_metrics) ShowMetrics();
}

WorkerEndpoint::~WorkerEndpoint() {
  for (const TimerId timer : {tick_timer_, discovery_timer_, metrics_timer_}) {
    deps_.executor.Cancel(timer);
  }
  if (observer_ != nullptr) observer_->Disconnect();
  preparation_wait_->Cancel();
}

void WorkerEndpoint::Tick() {
  stall_watch_.Look(used_hosts_, absl::Milliseconds(deployment_.stall_timeout_ms()));
  SendReport();
  tick_timer_ =
      deps_.executor.PostAfter(options_.heartbeat_interval, lifetime_.Guard([this] { Tick(); }));
}

void WorkerEndpoint::ShowMetrics() {
  proto::WorkerMetrics metrics;
  AddWorkerMetrics(generation_, &metrics);
  if (exchange_ != nullptr) AddExchangeMetrics(exchange_->endpoint(), &metrics);
  if (tasks_ != nullptr) {
    tasks_->AddMetrics({deps_.clock.Now(), deps_.clock.Monotonic()}, &metrics);
  }
  for (const proto::SinkMetrics& committer : sink_metrics_) {
    AddCommitterMetrics(committer, graph_, &metrics);
  }
  stall_watch_.AddMetrics(&metrics);
  if (metrics.sets_size() > kMaxSentMetricSets) {
    metrics.mutable_sets()->DeleteSubrange(kMaxSentMetricSets,
                                           metrics.sets_size() - kMaxSentMetricSets);
  }
  deps_.show_metrics(std::move(metrics));
  metrics_timer_ =
      deps_.executor.PostAfter(kMetricsInterval, lifetime_.Guard([this] { ShowMetrics(); }));
}

bool WorkerEndpoint::PassesFence(const proto::Header& header) {
  if (header.addressee() != id_.value() || header.job() != job_.value()) return false;
  const LeaderTerm term(header.term());
  if (term.is_none() || term < term_) return false;
  if (term == term_ && header.term_nonce() != term_nonce_) return false;
  const Generation generation(header.generation());
  if (!generation.is_none() && generation < highest_generation_) return false;
  uint64_t& last = last_sequence_[header.sender()];
  if (header.sequence() <= last) return false;
  last = header.sequence();
  if (term > term_) {
    LogInfo("new leader", {{"worker", id_}, {"term", term}});
    term_ = term;
    term_nonce_ = header.term_nonce();
    leader_ = header.sender();
    last_sequence_ = {{leader_, header.sequence()}};
  }
  return true;
}

void WorkerEndpoint::OnEnvelope(const proto::Envelope& envelope) {
  if (!envelope.has_worker_directive() || stopped_ != nullptr) return;
  if (!PassesFence(envelope.header())) {
    LogDebug("directive dropped", {{"worker", id_}, {"term", envelope.header().term()}});
    return;
  }
  if (tearing_down_) {
    held_back_ = envelope;
    return;
  }
  Obey(envelope.header(), envelope.worker_directive());
}

void WorkerEndpoint::Obey(const proto::Header& header, const proto::WorkerDirective& directive) {
  const Generation wanted(header.generation());
  if (wanted == generation_) {
    if (!generation_.is_none()) ObeyRunning(directive);
    return;
  }
  if (!generation_.is_none()) {
    // Whatever comes next starts from idle; this very directive is looked at again then.
    held_back_.emplace();
    *held_back_->mutable_header() = header;
    *held_back_->mutable_worker_directive() = directive;
    return TearDown([this] { SendReport(); });
  }
  if (!wanted.is_none() && directive.has_deployment()) {
    StartGeneration(wanted, directive.deployment());
  }
}

void WorkerEndpoint::Stop(std::function<void()> stopped) {
  if (stopped_ != nullptr) return;
  stopped_ = std::move(stopped);
  if (tearing_down_) return;  // the end of that calls it
  if (generation_.is_none()) return stopped_();
  TearDown([] {});
}

void WorkerEndpoint::TearDown(std::function<void()> then) {
  tearing_down_ = true;
  generation_lifetime_.Reset();
  preparation_wait_->Cancel();
  uploads_.Clear();
  if (uploaded_ != nullptr) uploaded_->Close();
  deps_.executor.Cancel(discovery_timer_);
  upkeep_.reset();
  if (exchange_ != nullptr) exchange_->Close();
  std::shared_ptr<PostingObserver> observer = std::move(observer_);
  if (observer != nullptr) observer->Disconnect();
  auto left = std::make_shared<size_t>(used_hosts_.size());
  auto finished = lifetime_.Guard([this, left, observer, then = std::move(then)] {
    if (*left > 0 && --*left > 0) return;
    used_hosts_.clear();
    tasks_.reset();
    channels_.reset();
    restored_.clear();
    coordinator_.reset();
    coordinator_states_.clear();
    sink_states_.clear();
    sink_metrics_.clear();
    notes_.clear();
    assignments_.clear();
    answers_.Clear();
    generation_ = Generation();
    state_ = WorkerReport::IDLE;
    failure_.Clear();
    deployment_.Clear();
    discovering_ = false;
    tearing_down_ = false;
    if (stopped_ != nullptr) return stopped_();
    then();
    if (!held_back_) return;
    const proto::Envelope next = *std::move(held_back_);
    held_back_.reset();
    if (LeaderTerm(next.header().term()) == term_) Obey(next.header(), next.worker_directive());
  });
  if (used_hosts_.empty()) return finished();
  Executor& executor = deps_.executor;
  auto shared = std::make_shared<decltype(finished)>(std::move(finished));
  for (auto& [slot, host] : used_hosts_) {
    host->RemoveAll([&executor, shared] { executor.Post([shared] { (*shared)(); }); });
  }
}

void WorkerEndpoint::StartGeneration(Generation generation, const proto::Deployment& deployment) {
  LogInfo("generation deployed", {{"worker", id_},
                                  {"generation", generation},
                                  {"tasks", deployment.tasks_size()},
                                  {"restored_epoch", deployment.restored_epoch()}});
  generation_ = highest_generation_ = generation;
  state_ = WorkerReport::INITIALIZING;
  deployment_ = deployment;
  initialization_steps_ = std::make_shared<std::atomic<uint64_t>>(0);
  preparation_wait_ = std::make_shared<ThreadRetryWait>();
  uploaded_ = RestoredFiles(deployment);
  if (deployment.graph().fingerprint() != plan_.fingerprint()) {
    return Fail(absl::FailedPreconditionError(
                    "the plan of the job differs from the one this binary makes of the same "
                    "arguments; a build function may depend on its arguments only"),
                "", false);
  }
  SendReport();
  GenerationContext context{Identity(), generation_, term_, options_.host,
                            options_.state_directory};
  context.on_progress = [steps = initialization_steps_] { ++*steps; };
  context.patience = {&deps_.clock, preparation_wait_};
  deps_.pool.Run<PreparedGeneration>(
      deps_.executor,
      [&files = deps_.files, &graph = graph_, deployment, context] {
        return PrepareGeneration(files, graph, deployment, context);
      },
      generation_lifetime_.Guard(
          [this](PreparedGeneration prepared) { OnPrepared(std::move(prepared)); }));
}

SinkIdentity WorkerEndpoint::Identity() const {
  return {deployment_.cluster_id(), job_, plan_.job_name(), OperatorUid()};
}

void WorkerEndpoint::OnPrepared(PreparedGeneration prepared) {
  if (!prepared.status.ok()) {
    failure_.set_suspends(absl::IsDataLoss(prepared.status));
    return Fail(prepared.status, "", IsWorthRetrying(prepared, deployment_.restored()));
  }
  coordinator_ = std::move(prepared.coordinator);
  if (coordinator_ != nullptr) {
    coordinator_states_ = coordinator_->states();
    sink_states_ = coordinator_->sinks();
    sink_metrics_ = coordinator_->sink_metrics();
    notes_ = coordinator_->notes();
    assignments_ = coordinator_->assignments();
  }
  restored_ = std::move(prepared.restored);
  channels_ = std::make_unique<ChannelMap>(graph_, deployment_, id_);
  if (!channels_->leaves_worker()) return BuildTasks();
  SendReport();  // how it is reached: only now could it take a call, and others wait for that
}

void WorkerEndpoint::OpenExchange(const WorkerExchange::Peers& peers) {
  WorkerExchange::Events events;
  events.on_ready = [this] { BecomeReady(); };
  events.on_lost = [this](const absl::Status& status) { Fail(status, "", true); };
  const absl::Status opened = exchange_->Open(generation_, *channels_, peers, std::move(events));
  // Nodes that cannot reach each other are a wrong set-up, unless the job ran before.
  if (!opened.ok()) return Fail(opened, "", deployment_.restored());
  BuildTasks();
}

void WorkerEndpoint::BuildTasks() {
  observer_ = std::make_shared<PostingObserver>(deps_.executor, *this);
  absl::StatusOr<std::unique_ptr<TaskSet>> tasks =
      TaskSet::Build(graph_, deployment_, std::exchange(restored_, {}), *channels_,
                     exchange_ == nullptr ? nullptr : &exchange_->endpoint(),
                     {deps_.clock, *observer_, deps_.pool, Identity(), generation_, KeyedState()});
  if (!tasks.ok()) {
    return Fail(tasks.status(), "", IsWorthRetrying(tasks.status(), deployment_.restored()));
  }
  tasks_ = *std::move(tasks);
  BecomeReady();
}

KeyedStateFactory WorkerEndpoint::KeyedState() const {
  if (deployment_.state_backend() != "rocksdb" || options_.state_directory.empty()) {
    return deps_.keyed_state;
  }
  TieredStateSetup setup;
  setup.directory = options_.state_directory;
  setup.worker = id_;
  setup.generation = generation_;
  setup.memory_bytes = deployment_.state_memory_bytes();
  setup.backends = KeyedOperatorsOf(graph_, deployment_);
  return MakeTieredStateFactory(std::move(setup), deps_.clock, deps_.pool);
}

void WorkerEndpoint::BecomeReady() {
  if (state_ != WorkerReport::INITIALIZING || tasks_ == nullptr) return;
  if (channels_->leaves_worker() && !exchange_->ready()) return;
  state_ = WorkerReport::READY;
  SendReport();
}

void WorkerEndpoint::ObeyRunning(const proto::WorkerDirective& directive) {
  if (state_ == WorkerReport::FAILED) return;
  if (tasks_ == nullptr && channels_ != nullptr && directive.peers_size() > 0 &&
      exchange_ != nullptr) {
    OpenExchange(directive.peers());
  }
  if (tasks_ == nullptr || state_ == WorkerReport::FAILED) return;
  if (directive.run() && !tasks_->started()) Run(directive);
  if (!tasks_->started()) return;
  tasks_->Assign(directive.assignments());
  tasks_->Hold(directive.hold_sources());  // before the trigger: nothing follows its barrier
  if (directive.has_trigger() && LeaderTerm(directive.trigger().attempt_term()) == term_) {
    tasks_->Trigger(directive.trigger());
  }
  for (const uint64_t epoch : directive.failed_epochs()) {
    DropCopies(uploaded_->Failed(Epoch(epoch)));
    tasks_->Aborted(Epoch(epoch));
  }
  // Epochs up to the restored one were committed before this generation ran.
  if (directive.has_permitted_epoch() &&
      directive.permitted_epoch() > deployment_.restored_epoch()) {
    DropCopies(uploaded_->Owned(Epoch(directive.permitted_epoch())));
    tasks_->Permit(PermitAuthority::Grant(Epoch(directive.permitted_epoch()), term_));
  }
  if (directive.has_received_epoch()) tasks_->Received(Epoch(directive.received_epoch()));
  if (directive.stop_sources()) tasks_->StopSources();
  answers_.OnDirective(directive);
}

void WorkerEndpoint::DropCopies(std::vector<std::string> names) {
  if (names.empty() || options_.state_directory.empty()) return;
  deps_.pool.Submit([copies = LocalStateCopies(options_.state_directory),
                     names = std::move(names)] { copies.Drop(names); });
}

void WorkerEndpoint::Run(const proto::WorkerDirective& directive) {
  Task::SinkStates sinks;
  for (const proto::SinkCoordinatorState& sink : directive.sinks()) {
    sinks[sink.sink_uid()] = sink.state();
  }
  tasks_->Start(
      [this](uint32_t slot) -> TaskHost& {
        TaskHost& host = deps_.hosts(slot);
        used_hosts_[slot] = &host;
        return host;
      },
      sinks);
  ScheduleDiscovery();
  if (coordinator_ == nullptr) return;
  upkeep_ = std::make_unique<SinkUpkeep>(
      deps_.executor, deps_.pool, coordinator_, options_.sink_sweep_interval,
      [this](const absl::Status& status) { Fail(status, "", true); });
}

void WorkerEndpoint::ScheduleDiscovery() {
  if (coordinator_ == nullptr) return;
  const absl::Duration interval = coordinator_->discovery_interval();
  if (interval <= absl::ZeroDuration()) return;
  struct Found {
    absl::StatusOr<bool> any = false;
    std::vector<proto::SourceCoordinatorState> states;
    std::vector<proto::SplitAssignment> assignments;
  };
  discovery_timer_ = deps_.executor.PostAfter(interval, generation_lifetime_.Guard([this] {
    deps_.pool.Run<Found>(
        deps_.executor,
        [coordinator = coordinator_] {
          Found found;
          found.any = coordinator->Discover();
          found.states = coordinator->states();
          found.assignments = coordinator->assignments();
          return found;
        },
        generation_lifetime_.Guard([this](Found found) {
          if (FailurePolicyOf(found.any.status()) == FailurePolicy::kSuspendJob) {
            return Fail(found.any.status(), "", true);
          }
          if (!found.any.ok()) {
            LogWarning("split discovery failed; tried again later",
                       {{"job", job_}, {"error", found.any.status()}});
          } else if (*found.any) {
            coordinator_states_ = std::move(found.states);
            assignments_ = std::move(found.assignments);
            SendReport();
          }
          ScheduleDiscovery();
        }));
  }));
}

void WorkerEndpoint::OnTaskRunning(SubtaskId task) {
  tasks_->OnRunning(task);
  if (!tasks_->AllRunning() || state_ != WorkerReport::READY) return;
  state_ = WorkerReport::RUNNING;
  SendReport();
}

void WorkerEndpoint::OnTaskSnapshot(SubtaskId task, const Barrier& barrier,
                                    absl::StatusOr<TaskSnapshotData> snapshot) {
  if (!snapshot.ok()) return OnUploaded(barrier, {snapshot.status()});
  WrittenSnapshot written{absl::OkStatus(), ToProto(task, *snapshot),
                          StatisticsOf(task, snapshot->times)};
  TellLayout(deployment_, &written.snapshot);
  SnapshotUpload upload;
  upload.inline_max_bytes = deployment_.inline_state_max_bytes();
  upload.operator_inline_max_bytes =
      OperatorStateInlineMax(deployment_.graph(), deployment_.inline_state_max_bytes());
  upload.worker = id_;
  upload.epoch = barrier.epoch;
  upload.last_blob = last_blob_;
  upload.uploaded = uploaded_;
  upload.copies = LocalStateCopies(options_.state_directory);
  for (const OperatorSnapshotData& one : snapshot->operators) {
    if (one.keyed != nullptr) upload.keyed[one.uid] = one.keyed;
    if (one.operator_state != nullptr) upload.operator_states[one.uid] = one.operator_state;
  }
  if (!upload.Needed(written.snapshot)) {
    AddSizes(written.snapshot, &written.statistics);
    return OnUploaded(barrier, std::move(written));
  }
  uploads_.Begin(
      task, std::move(upload), deployment_.storage_root(), std::move(written),
      [this, barrier](WrittenSnapshot uploaded) { OnUploaded(barrier, std::move(uploaded)); });
}

void WorkerEndpoint::OnUploaded(const Barrier& barrier, WrittenSnapshot written) {
  // At once also what was written for an attempt that is over: the leader deletes it.
  const bool over = !written.status.ok() || uploaded_->IsOver(barrier.epoch);
  const size_t answered = answers_.Add(barrier, std::move(written));
  if (over || answered == tasks_->size()) SendReport();
}

void WorkerEndpoint::OnTaskFinished(SubtaskId task) {
  tasks_->OnFinished(task);
  SendReport();
}

void WorkerEndpoint::OnTaskCommitted(SubtaskId task, Epoch epoch) {
  const std::optional<Epoch> before = tasks_->CommittedByAll();
  tasks_->OnCommitted(task, epoch);
  if (tasks_->CommittedByAll() != before) SendReport();
}

void WorkerEndpoint::OnTaskFailed(SubtaskId, const TaskFailure& failure) {
  if (!AsksBrokers(failure)) {
    return Fail(JudgeTaskFailure(graph_, failure), failure.operator_uid, true);
  }
  Judge(failure, kJudgements);
}

// The last judgement counts, and the first that does not end the job.
void WorkerEndpoint::Judge(const TaskFailure& failure, size_t judgements) {
  deps_.pool.Run<absl::Status>(
      deps_.executor, [&graph = graph_, failure] { return JudgeTaskFailure(graph, failure); },
      generation_lifetime_.Guard([this, failure, judgements](const absl::Status& status) {
        if (FailurePolicyOf(status) != FailurePolicy::kFailJob || judgements == 1) {
          return Fail(status, failure.operator_uid, true);
        }
        deps_.executor.PostAfter(
            kJudgementPause, generation_lifetime_.Guard(
                                 [this, failure, judgements] { Judge(failure, judgements - 1); }));
      }));
}

void WorkerEndpoint::Fail(const absl::Status& status, const std::string& operator_uid,
                          bool retriable) {
  if (state_ == WorkerReport::FAILED) return;
  LogWarning("generation failed",
             {{"worker", id_}, {"generation", generation_}, {"error", status}});
  state_ = WorkerReport::FAILED;
  failure_.set_message(std::string(status.message()));
  failure_.set_operator_uid(operator_uid);
  const FailurePolicy policy = FailurePolicyOf(status);
  failure_.set_retriable(retriable && policy != FailurePolicy::kFailJob);
  if (policy == FailurePolicy::kSuspendJob) failure_.set_suspends(true);
  failure_.set_domain(absl::IsUnavailable(status)       ? proto::Failure::EXTERNAL
                      : absl::IsInvalidArgument(status) ? proto::Failure::USER
                                                        : proto::Failure::SYSTEM);
  SendReport();
}

void WorkerEndpoint::SendReport() {
  if (leader_.empty()) return;  // no directive yet: nobody to report to
  proto::Envelope envelope;
  proto::Header* header = envelope.mutable_header();
  header->set_protocol_version(kProtocolVersion);
  header->set_term(term_.value());
  header->set_term_nonce(term_nonce_);
  header->set_sender(id_.value());
  header->set_addressee(leader_);
  header->set_sequence(next_sequence_++);
  header->set_job(job_.value());
  header->set_generation(generation_.value());
  WorkerReport* report = envelope.mutable_worker_report();
  report->set_state(state_);
  if (state_ == WorkerReport::FAILED) *report->mutable_failure() = failure_;
  if (tasks_ != nullptr) {
    tasks_->Report(report);
    if (const std::optional<Epoch> committed = tasks_->CommittedByAll()) {
      report->set_committed_epoch(committed->value());
    }
  }
  if (state_ == WorkerReport::INITIALIZING) {
    report->set_initialization_steps(*initialization_steps_);
  } else {
    *report->mutable_coordinators() = {coordinator_states_.begin(), coordinator_states_.end()};
    *report->mutable_sinks() = {sink_states_.begin(), sink_states_.end()};
    *report->mutable_sink_metrics() = {sink_metrics_.begin(), sink_metrics_.end()};
    *report->mutable_notes() = {notes_.begin(), notes_.end()};
    *report->mutable_new_assignments() = {assignments_.begin(), assignments_.end()};
  }
  const bool starts = state_ == WorkerReport::INITIALIZING || state_ == WorkerReport::READY;
  if (starts && exchange_ != nullptr && channels_ != nullptr) {
    *report->mutable_exchange() = exchange_->own();
  }
  answers_.FillReport(report);
  for (const StalledStep& stall : stall_watch_.stalls()) report->add_stalls(stall.ToString());
  report->set_resident_bytes(deps_.resident_bytes());
  deps_.send(std::move(envelope));
}

}  // namespace weir::taskmanager

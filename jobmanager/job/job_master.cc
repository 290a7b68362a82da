#include "jobmanager/job/job_master.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/check.h"
#include "common/base/log.h"

namespace weir::jobmanager {
namespace {

// How long a new leader waits for the TaskManagers the job ran on before it places anew.
constexpr absl::Duration kSettleTime = absl::Seconds(1);
constexpr absl::Duration kTakeOverPause = absl::Milliseconds(500);
constexpr absl::Duration kDirectiveInterval = absl::Milliseconds(200);

}  // namespace

JobMaster::JobMaster(JobId job, proto::Term term, Dependencies dependencies)
    : job_(std::move(job)),
      term_(std::move(term)),
      deps_(std::move(dependencies)),
      objects_(deps_.files, deps_.layout.JobDirectory(job_)),
      log_(deps_.layout.JobLogDirectory(job_), LeaderTerm(term_.number()),
           {deps_.files, deps_.pool, deps_.executor}, deps_.random, deps_.on_stale),
      events_(LeaderTerm(term_.number()), deps_.clock) {}

JobMaster::~JobMaster() {
  for (const TimerId timer :
       {restart_timer_, deploy_timer_, suspension_timer_, settle_timer_, tick_timer_}) {
    deps_.executor.Cancel(timer);
  }
}

void JobMaster::Create(proto::JobSubmitted submission,
                       const std::optional<proto::CheckpointOwned>& seed, Done done) {
  Done next = std::move(done);
  if (seed) {
    next = lifetime_.Guard([this, seed, done = std::move(next)](const absl::Status& status) {
      if (!status.ok()) return done(status);
      log_.Append(
          [seed](const JobHistory&) {
            proto::JobLogEntry entry;
            *entry.mutable_checkpoint() = *seed;
            return entry;
          },
          done);
    });
  }
  log_.Append(
      [submission = std::move(submission)](const JobHistory&) {
        proto::JobLogEntry entry;
        *entry.mutable_submitted() = submission;
        return entry;
      },
      std::move(next));
}

void JobMaster::Adopt(Done done) {
  log_.Load(lifetime_.Guard([this, done = std::move(done)](const absl::Status& loaded) mutable {
    if (!loaded.ok()) return done(loaded);
    if (log_.history().terminal() != nullptr) return done(absl::OkStatus());
    settle_until_ = deps_.clock.Monotonic() + kSettleTime;
    has_run_ = true;
    TakeOver(std::move(done));
  }));
}

void JobMaster::TakeOver(Done done) {
  log_.TakeOver(term_, [this, done = std::move(done)](const absl::Status& status) {
    if (status.ok() || absl::IsAborted(status)) return done(status);
    // The log is readable and storage takes nothing now (disk full): the job is not to be lost.
    LogWarning("job not taken over; tried again", {{"job", job_}, {"error", status}});
    deps_.executor.PostAfter(kTakeOverPause, lifetime_.Guard([this, done] { TakeOver(done); }));
  });
}

void JobMaster::Run() {
  running_ = true;
  if (const proto::JobTerminal* terminal = history().terminal()) {
    state_ = terminal->state() == proto::JobTerminal::FINISHED   ? JobState::kFinished
             : terminal->state() == proto::JobTerminal::CANCELED ? JobState::kCanceled
                                                                 : JobState::kFailed;
    reason_ = terminal->reason();
    // Its last leader may not have come to it; only the next one deletes again.
    if (history().term().value() + 1 == term_.number()) DeleteRetiredAtTheEnd();
    return TellState();
  }
  TellState();
  const proto::JobSubmitted& submission = history().submission();
  absl::StatusOr<JobOptions> options =
      deps_.options({submission.configuration().begin(), submission.configuration().end()});
  if (options.ok()) options_ = *std::move(options);
  restart_ = std::make_unique<RestartPolicy>(options_.restart, deps_.random);
  coordinator_ = std::make_unique<CheckpointCoordinator>(
      job_, LeaderTerm(term_.number()), options_.checkpoint,
      CheckpointCoordinator::Dependencies{deps_.clock, deps_.executor, deps_.pool, deps_.random,
                                          objects_, log_, *this});
  coordinator_->DeleteDoomed();
  Tick();
  const proto::StopRequested* stop = history().stop_requested();
  if (stop != nullptr && stop->cancel()) {
    SetState(JobState::kCancelling);
    return EndAfterCleanup(proto::JobTerminal::CANCELED, "canceled by request",
                           [](const absl::Status&) {});
  }
  if (const proto::JobFailing* failing = history().failing()) {
    SetState(JobState::kFailing);
    return EndAfterCleanup(proto::JobTerminal::FAILED, failing->reason(),
                           [](const absl::Status&) {});
  }
  if (const proto::JobSuspended* suspended = history().suspended()) {
    reason_ = suspended->reason();
    return SetState(JobState::kSuspended);
  }
  SetState(JobState::kScheduling);
  const JobHistory::OwnedEpoch* newest = history().newest_owned();
  if (newest != nullptr && newest->checkpoint.final() &&
      !history().AwaitsReceipt(Epoch(newest->checkpoint.epoch()))) {
    return Finish();
  }
  TrySchedule();
}

void JobMaster::SetState(JobState state) {
  if (state == state_) return;
  WEIR_CHECK(IsLegalTransition(state_, state))
      << "job " << job_ << ": " << JobStateName(state_) << " -> " << JobStateName(state);
  LogInfo("job state changed", {{"job", job_},
                                {"from", JobStateName(state_)},
                                {"to", JobStateName(state)},
                                {"generation", history().generation()},
                                {"reason", reason_}});
  state_ = state;
  if (state == JobState::kRunning) running_since_ = deps_.clock.Monotonic();
  TellState();
  const bool ends = IsTerminal(state) || state == JobState::kCancelling ||
                    state == JobState::kFailing || state == JobState::kStopping;
  if (ends && suspension_) {
    DropSuspension(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is not suspended: it is ", JobStateName(state))));
  }
}

void JobMaster::TellState() {
  proto::JobEvent event;
  event.set_kind(proto::JobEvent::STATE);
  *event.mutable_job() = Summary();
  events_.Append(std::move(event));
}

void JobMaster::OnCheckpointEnded(const proto::CheckpointDetails& checkpoint) {
  proto::JobEvent event;
  event.set_kind(proto::JobEvent::CHECKPOINT);
  *event.mutable_checkpoint() = checkpoint;
  events_.Append(std::move(event));
  OnSuspensionCheckpoint(checkpoint);
}

absl::Duration JobMaster::Uptime() const {
  if (state_ != JobState::kRunning) return absl::ZeroDuration();
  return deps_.clock.Monotonic() - running_since_;
}

void JobMaster::SendDirectives() {
  for (const auto& [id, worker] : workers_) SendDirective(id, worker);
}

void JobMaster::SendDirective(const WorkerId& id, const Worker& worker) {
  if (!worker.connected) return;
  if (execution_ == nullptr || !execution_->admitted() || !execution_->Uses(id)) {
    deps_.task_managers.SendToWorker(worker.task_manager, id, job_, Generation(), {});
    return;
  }
  Execution::CheckpointView view;
  view.pending = coordinator_->pending();
  view.permitted = coordinator_->permitted();
  view.received = history().committed_through();
  view.failed = &coordinator_->failed_epochs();
  deps_.task_managers.SendToWorker(worker.task_manager, id, job_, execution_->generation(),
                                   execution_->DirectiveFor(id, view));
}

void JobMaster::Tick() {
  FindSilentWorker();
  SendDirectives();
  events_.Expire();
  tick_timer_ = deps_.executor.PostAfter(kDirectiveInterval, lifetime_.Guard([this] { Tick(); }));
}

// Its TaskManager sees a process that lives; only its silence tells that it hangs.
void JobMaster::FindSilentWorker() {
  if (execution_ == nullptr || ending_) return;
  for (const auto& [id, worker] : workers_) {
    if (!worker.connected || !execution_->Uses(id)) continue;
    if (deps_.clock.Monotonic() - worker.heard_from < options_.worker_timeout) continue;
    const std::string why =
        absl::StrCat("worker ", id.value(), " on TaskManager ", worker.task_manager.value(),
                     " has not reported for ", absl::FormatDuration(options_.worker_timeout),
                     "; it is killed", DescribeStalls(worker));
    dismissed_.insert(id);
    workers_.erase(id);
    UpdateSpecs();
    return FailGeneration(why, true);
  }
}

std::string JobMaster::DescribeStalls(const Worker& worker) {
  if (worker.stalls.empty()) return "";
  return absl::StrCat("; when it was last heard of, ", absl::StrJoin(worker.stalls, "; "));
}

void JobMaster::OnDirectiveChanged() { SendDirectives(); }

void JobMaster::OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss) {
  if (!running_ || IsTerminal(state_)) return;
  told_.erase(id);
  bool used = false;
  for (auto it = workers_.begin(); it != workers_.end();) {
    if (it->second.task_manager == id) {
      used = used || (execution_ != nullptr && execution_->Uses(it->first));
      it = workers_.erase(it);
    } else {
      ++it;
    }
  }
  if (!used) return;
  if (loss.announced) {
    return MoveGeneration(absl::StrCat("TaskManager ", id.value(), " left: ", loss.why));
  }
  FailGeneration(absl::StrCat("TaskManager ", id.value(), " lost: ", loss.why), true);
}

void JobMaster::OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) {
  if (!running_ || IsTerminal(state_) || ending_) return;
  const WorkerId who(status.worker());
  const auto it = workers_.find(who);
  if (status.state() == proto::WorkerStatus::EXITED) {
    dismissed_.erase(who);
    if (it == workers_.end()) return;
    workers_.erase(it);
    UpdateSpecs();
    if (execution_ == nullptr || !execution_->Uses(who)) return;
    const std::string why = absl::StrCat("worker ", who.value(), " on TaskManager ", id.value(),
                                         " ", status.exit_reason());
    if (deps_.task_managers.IsLeaving(id)) return MoveGeneration(why);
    return FailGeneration(why, true);
  }
  if (it == workers_.end()) {
    // A worker an earlier leader started; it keeps its process if it can be used again.
    if (execution_ != nullptr || state_ == JobState::kSuspended) return;
    if (dismissed_.count(who) > 0) return;
    workers_[who] = Worker{id, status.pid(), status.state() == proto::WorkerStatus::CONNECTED,
                           0,  Generation(), deps_.clock.Monotonic()};
    UpdateSpecs();
    return;
  }
  const bool connected = status.state() == proto::WorkerStatus::CONNECTED;
  it->second.pid = status.pid();
  if (connected && !it->second.connected) {
    it->second.connected = true;
    it->second.heard_from = deps_.clock.Monotonic();
    SendDirective(who, it->second);
  }
}

void JobMaster::OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report) {
  if (!running_ || IsTerminal(state_) || ending_) return;
  const WorkerId who(header.sender());
  const auto it = workers_.find(who);
  if (it == workers_.end()) return;
  it->second.heard_from = deps_.clock.Monotonic();
  it->second.resident_bytes = report.resident_bytes();
  it->second.reported = Generation(header.generation());
  it->second.stalls.assign(report.stalls().begin(), report.stalls().end());
  if (execution_ == nullptr || Generation(header.generation()) != execution_->generation()) return;
  if (execution_->OnReport(who, Generation(header.generation()), report)) SendDirectives();
  OnInitializationSteps(report.initialization_steps());
  for (const proto::CheckpointAnswer& answer : report.answers()) coordinator_->OnAnswer(answer);
  CheckProgress();
}

void JobMaster::CheckProgress() {
  if (execution_ == nullptr) return;
  if (std::optional<proto::Failure> failure = execution_->FirstFailure()) {
    const bool may = state_ == JobState::kDeploying || state_ == JobState::kRunning;
    if (failure->suspends() && may) return Suspend(failure->message());
    return FailGeneration(failure->message(), failure->retriable());
  }
  if (cleanup_) {
    if (!execution_->AllReady()) return;
    for (const auto& [epoch, owned] : history().owned()) {
      if (history().AwaitsReceipt(epoch)) coordinator_->OnCommitted(epoch);
    }
    const Ending ending = *cleanup_;
    return End(ending.state, ending.reason, ending.done);
  }
  if (state_ == JobState::kDeploying) {
    if (!execution_->run_allowed()) {
      if (execution_->AllReady() && !coordinator_->busy()) OnReady();
    } else if (execution_->AllRunning()) {
      OnRunning();
    }
    return;
  }
  if (const std::optional<Epoch> committed = execution_->CommittedByAll()) {
    coordinator_->OnCommitted(*committed);
  }
  if (execution_->AllFinished()) coordinator_->RequestFinal();
  FinishWhenCommitted();
  SuspendWhenCommitted();
}

void JobMaster::OnReady() {
  if (const JobHistory::OwnedEpoch* newest = history().newest_owned()) {
    const Epoch epoch(newest->checkpoint.epoch());
    if (history().AwaitsReceipt(epoch)) coordinator_->OnCommitted(epoch);
    AllowRun();
    return SendDirectives();
  }
  coordinator_->OwnInitialEpoch(
      execution_->generation(), attempt_.Guard([this](const absl::Status& status) {
        FailGeneration(absl::StrCat("epoch 0 cannot be written: ", status.message()), true);
      }));
}

void JobMaster::AllowRun() {
  has_run_ = true;
  execution_->AllowRun();
}

void JobMaster::OnOwned(Epoch epoch, bool final) {
  if (execution_ == nullptr) return;
  if (!execution_->run_allowed() && state_ == JobState::kDeploying) {
    AllowRun();
  }
  if (final) return FinishWhenCommitted();
  if (suspension_ && suspension_->above && epoch > *suspension_->above) {
    suspension_->owned = epoch;
    SuspendWhenCommitted();
  }
}

void JobMaster::OnRunning() {
  deps_.executor.Cancel(deploy_timer_);
  reason_.clear();
  SetState(JobState::kRunning);
  coordinator_->Start(execution_->generation(), execution_->tasks(),
                      IsTransactional(history().submission().graph()));
  std::set<std::string> living;
  for (const auto& [id, worker] : workers_) living.insert(id.value());
  coordinator_->Sweep(std::move(living));
  if (history().stop_requested() != nullptr) {
    execution_->StopSources();
    SetState(JobState::kStopping);
    SendDirectives();
  } else if (history().suspension_requested()) {
    if (!suspension_) suspension_.emplace();  // of a former leader
    BeginSuspension();
  }
  CheckProgress();
}

void JobMaster::FinishWhenCommitted() {
  const JobHistory::OwnedEpoch* newest = history().newest_owned();
  if (ending_ || cleanup_ || newest == nullptr || !newest->checkpoint.final()) return;
  const Epoch epoch(newest->checkpoint.epoch());
  if (history().AwaitsReceipt(epoch)) {
    const std::optional<Epoch> committed = execution_->CommittedByAll();
    if (!committed || *committed < epoch) return;  // CheckProgress comes back here
  }
  Finish();
}

void JobMaster::OnTooManyFailures(const std::string& last) {
  FailGeneration(absl::StrCat("more than ", options_.checkpoint.tolerable_failures.value_or(0),
                              " checkpoints failed in a row, the last one: ", last),
                 true);
}

void JobMaster::OnCoordinatorIdle() {
  if (cleanup_) {
    TryCleanup();
  } else if (state_ == JobState::kScheduling) {
    TrySchedule();
  } else if (state_ == JobState::kDeploying) {
    CheckProgress();
  }
}

// What its tasks counted stays to be looked at.
void JobMaster::DropExecution() {
  if (execution_ == nullptr) return;
  proto::JobDetails last;
  execution_->Describe(&last);
  execution_.reset();
  if (!last.tasks().empty()) last_tasks_.Swap(last.mutable_tasks());
}

std::vector<proto::SourceCoordinatorState> JobMaster::SourceStates() {
  return execution_ == nullptr ? std::vector<proto::SourceCoordinatorState>()
                               : execution_->SourceStates();
}

std::vector<proto::SinkCoordinatorState> JobMaster::SinkStates() {
  return execution_ == nullptr ? std::vector<proto::SinkCoordinatorState>()
                               : execution_->SinkStates();
}

void JobMaster::EndGeneration(const std::string& why) {
  reason_ = why;
  attempt_.Reset();
  deps_.executor.Cancel(deploy_timer_);
  InterruptSuspension();
  coordinator_->Stop("the generation is over");
  DropExecution();
  SetState(JobState::kRecovering);
  SendDirectives();
}

void JobMaster::FailGeneration(const std::string& why, bool retriable) {
  if (execution_ == nullptr || ending_) return;
  if (cleanup_) return CleanupFailed(why);
  LogWarning("generation failed",
             {{"job", job_}, {"generation", execution_->generation()}, {"reason", why}});
  last_failure_ = absl::StrCat(
      absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", deps_.clock.Now(), absl::UTCTimeZone()),
      ", generation ", execution_->generation().value(), ": ", why);
  EndGeneration(why);
  const auto ignore = [](const absl::Status&) {};
  if (!retriable) return EndAfterCleanup(proto::JobTerminal::FAILED, why, ignore);
  const RestartPolicy::Decision decision = restart_->OnFailure(deps_.clock.Monotonic());
  if (!decision.delay) {
    return EndAfterCleanup(proto::JobTerminal::FAILED, absl::StrCat(why, "; ", decision.why),
                           ignore);
  }
  ScheduleAfter(*decision.delay);
}

void JobMaster::MoveGeneration(const std::string& why) {
  if (execution_ == nullptr || ending_) return;
  if (cleanup_) return CleanupFailed(why);
  LogInfo("generation is moved",
          {{"job", job_}, {"generation", execution_->generation()}, {"reason", why}});
  EndGeneration(why);
  ScheduleAfter(absl::ZeroDuration());
}

void JobMaster::ScheduleAfter(absl::Duration delay) {
  restart_timer_ = deps_.executor.PostAfter(delay, lifetime_.Guard([this] {
    if (state_ != JobState::kRecovering) return;
    SetState(JobState::kScheduling);
    TrySchedule();
  }));
}

}  // namespace weir::jobmanager

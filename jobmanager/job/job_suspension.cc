// The part of JobMaster that halts jobs and starts them anew by request: suspend, resume, restart
// (docs/protocols/recovery.md).
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "jobmanager/job/job_master.h"

namespace weir::jobmanager {
namespace {

constexpr char kSuspendedByRequest[] = "suspended by request";
// Checkpoints in a row that may fail before a suspension is given up.
constexpr uint64_t kSuspensionAttempts = 3;
constexpr absl::Duration kSuspensionPause = absl::Seconds(1);
constexpr absl::Duration kSuspendedEntryPause = absl::Seconds(1);

}  // namespace

absl::Status JobMaster::CheckNotEnding() const {
  const absl::string_view state = JobStateName(state_);
  if (IsTerminal(state_)) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", state, " already"));
  }
  if (ending_ || cleanup_ || state_ == JobState::kCancelling || state_ == JobState::kFailing) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", state, ": it is about to end"));
  }
  return absl::OkStatus();
}

void JobMaster::RequestSuspension(bool wait, Done done) {
  if (absl::Status status = CheckNotEnding(); !status.ok()) return done(status);
  if (state_ == JobState::kSuspended && !suspended_entry_due_) return done(absl::OkStatus());
  if (history().stop_requested() != nullptr) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is being stopped: it is about to end")));
  }
  const bool asked_before = suspension_.has_value();
  if (!asked_before) suspension_.emplace();
  const bool may_read =
      state_ == JobState::kRunning || (state_ == JobState::kDeploying && execution_->run_allowed());
  if (!may_read) {
    suspension_->waiters.push_back(std::move(done));
    if (state_ != JobState::kSuspended) Suspend(kSuspendedByRequest);
    return;
  }
  if (wait) suspension_->waiters.push_back(done);
  if (asked_before) return wait ? void() : done(absl::OkStatus());
  log_.Append(
      [](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_suspension_requested();
        return entry;
      },
      lifetime_.Guard([this, wait, done = std::move(done)](const absl::Status& status) {
        if (absl::IsAborted(status)) return;  // this leader is stale: the next one is asked again
        if (!wait) done(status);
        if (!status.ok()) return DropSuspension(status);
        BeginSuspension();
      }));
}

// Of the tasks that run now. What they have read is in the checkpoint, and nothing comes behind it.
void JobMaster::BeginSuspension() {
  if (!suspension_ || suspension_->above || state_ != JobState::kRunning || ending_) return;
  suspension_->above = coordinator_->highest_attempt();
  reason_ = "is being suspended: its last checkpoint is taken";
  execution_->HoldSources(true);
  TellState();
  SendDirectives();
  coordinator_->RequestSuspending();
}

// The generation is over, and the next one goes on with it.
void JobMaster::InterruptSuspension() {
  if (!suspension_) return;
  deps_.executor.Cancel(suspension_timer_);
  suspension_->above.reset();
  suspension_->owned.reset();
}

void JobMaster::OnSuspensionCheckpoint(const proto::CheckpointDetails& checkpoint) {
  if (!suspension_) {
    // One that was given up, and could not be withdrawn then.
    const bool stale = history().suspension_requested() && state_ == JobState::kRunning;
    if (stale && checkpoint.state() == "COMPLETED") WithdrawSuspension("its checkpoints failed");
    return;
  }
  if (!suspension_->above || Epoch(checkpoint.epoch()) <= *suspension_->above) return;
  if (checkpoint.state() != "FAILED") return;  // OnOwned
  ++suspension_->failures;
  const bool again = suspension_->failures < kSuspensionAttempts;
  suspension_timer_ =
      deps_.executor.PostAfter(again ? kSuspensionPause : absl::ZeroDuration(),
                               lifetime_.Guard([this, again, why = checkpoint.failure()] {
                                 if (!suspension_ || !suspension_->above) return;
                                 again ? coordinator_->RequestSuspending() : GiveUpSuspension(why);
                               }));
}

void JobMaster::SuspendWhenCommitted() {
  if (!suspension_ || !suspension_->owned || execution_ == nullptr || ending_ || cleanup_) return;
  if (history().AwaitsReceipt(*suspension_->owned)) {
    const std::optional<Epoch> committed = execution_->CommittedByAll();
    if (!committed || *committed < *suspension_->owned) return;  // CheckProgress comes back here
    coordinator_->OnCommitted(*committed);  // the receipt rides on the `suspended` entry
  }
  Suspend(kSuspendedByRequest);
}

void JobMaster::GiveUpSuspension(const std::string& why) {
  const std::string trouble = absl::StrCat("its checkpoint failed ", suspension_->failures,
                                           " times in a row, the last time: ", why);
  LogWarning("suspension given up", {{"job", job_}, {"reason", trouble}});
  reason_ = absl::StrCat("not suspended: ", trouble);
  TellState();
  WithdrawSuspension(trouble);
  DropSuspension(absl::AbortedError(
      absl::StrCat("job ", job_.value(), " is not suspended and runs on: ", trouble)));
}

void JobMaster::WithdrawSuspension(const std::string& why) {
  log_.Append(
      [why](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_suspension_requested()->set_withdrawn(true);
        entry.mutable_suspension_requested()->set_reason(why);
        return entry;
      },
      [](const absl::Status&) {});
}

void JobMaster::DropSuspension(const absl::Status& status) {
  if (!suspension_) return;
  deps_.executor.Cancel(suspension_timer_);
  const std::vector<Done> waiters = std::move(suspension_->waiters);
  suspension_.reset();
  if (execution_ != nullptr) {
    execution_->HoldSources(false);
    coordinator_->WithdrawSuspending();
    SendDirectives();
  }
  for (const Done& waiter : waiters) waiter(status);
}

void JobMaster::Suspend(const std::string& why) {
  InterruptSuspension();
  reason_ = why;
  attempt_.Reset();
  deps_.executor.Cancel(deploy_timer_);
  deps_.executor.Cancel(restart_timer_);
  coordinator_->Stop("the job is suspended");
  DropExecution();
  SetState(JobState::kSuspended);
  ReleaseEverything();
  suspended_entry_due_ = true;
  AppendSuspended();
}

void JobMaster::AppendSuspended() {
  log_.Append(
      [why = reason_](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_suspended()->set_reason(why);
        return entry;
      },
      lifetime_.Guard([this](const absl::Status& status) {
        const bool wanted = suspended_entry_due_ && state_ == JobState::kSuspended;
        if (absl::IsAborted(status) || !wanted) return;
        if (!status.ok()) {  // storage takes nothing now: a next leader would start the job again
          suspension_timer_ =
              deps_.executor.PostAfter(kSuspendedEntryPause, lifetime_.Guard([this] {
                if (suspended_entry_due_ && state_ == JobState::kSuspended) AppendSuspended();
              }));
          return;
        }
        suspended_entry_due_ = false;
        DropSuspension(absl::OkStatus());
      }));
}

void JobMaster::Resume(proto::ResumePolicy policy, Done done) {
  const bool settling = cleanup_ && cleanup_->failed && !ending_;
  if (state_ != JobState::kSuspended && !settling) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", JobStateName(state_), ", not SUSPENDED")));
  }
  suspended_entry_due_ = false;
  DropSuspension(absl::FailedPreconditionError(
      absl::StrCat("job ", job_.value(), " was resumed before its suspension was logged")));
  log_.Append(
      [policy](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_resumed()->set_policy(policy);
        return entry;
      },
      lifetime_.Guard([this, done = std::move(done)](const absl::Status& status) {
        if (status.ok() && state_ == JobState::kSuspended) {
          SetState(JobState::kScheduling);
          TrySchedule();
        } else if (status.ok() && cleanup_) {
          cleanup_->not_before = absl::ZeroDuration();
          TryCleanup();
        }
        done(status);
      }));
}

void JobMaster::Restart(Generation ending, Done done) {
  if (!ending.is_none() && history().generation() > ending) return done(absl::OkStatus());
  if (absl::Status status = CheckNotEnding(); !status.ok()) return done(status);
  if (state_ == JobState::kSuspended) {
    return done(absl::FailedPreconditionError(absl::StrCat(
        "job ", job_.value(), " is SUSPENDED: there is nothing to restart; use 'weir resume'")));
  }
  if (suspension_) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is being suspended; use 'weir resume' then")));
  }
  reason_ = "restarted by request";
  attempt_.Reset();
  deps_.executor.Cancel(deploy_timer_);
  deps_.executor.Cancel(restart_timer_);
  coordinator_->Stop(reason_);
  DropExecution();
  for (const auto& [id, worker] : workers_) dismissed_.insert(id);
  workers_.clear();
  UpdateSpecs();
  if (state_ != JobState::kScheduling) {
    if (state_ != JobState::kRecovering) SetState(JobState::kRecovering);
    SetState(JobState::kScheduling);
  }
  TrySchedule();
  done(absl::OkStatus());
}

}  // namespace weir::jobmanager

// The part of JobMaster that ends jobs: cancel, stop, and the clean-up of transactional sinks
// before a terminal entry (docs/protocols/transactions.md).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/log.h"
#include "jobmanager/job/job_master.h"
#include "jobmanager/scheduler/placement.h"

namespace weir::jobmanager {
namespace {

constexpr absl::Duration kCleanupPause = absl::Seconds(1);
constexpr absl::Duration kMaxCleanupPause = absl::Seconds(30);
// A sentence stays one; all of them are in 'weir transactions list'.
constexpr size_t kCommittablesNamed = 20;

// What the log owns, and has no receipt for.
std::string DescribeUncommitted(const proto::TransactionFacts& facts) {
  std::vector<std::string> named;
  size_t more = 0;
  for (const proto::CheckpointManifest& manifest : facts.uncommitted()) {
    for (const proto::TaskSnapshot& task : manifest.tasks()) {
      for (const proto::OperatorSnapshot& one : task.operators()) {
        for (int i = 0; i < one.committables_size(); ++i) {
          if (named.size() == kCommittablesNamed) {
            ++more;
            continue;
          }
          const bool has_text =
              i < one.committable_texts_size() && !one.committable_texts(i).empty();
          named.push_back(absl::StrCat("epoch ", manifest.epoch(), ": ",
                                       has_text ? one.committable_texts(i)
                                                : absl::StrCat("something of sink '", one.uid(),
                                                               "', which does not say what")));
        }
      }
    }
  }
  if (named.empty()) return "";
  return absl::StrCat("; abandoned, owned and perhaps not committed: ", absl::StrJoin(named, "; "),
                      more == 0 ? "" : absl::StrCat("; and ", more, " more"),
                      " ('weir transactions list' tells what of it was not)");
}

}  // namespace

void JobMaster::ReleaseEverything() {
  workers_.clear();
  UpdateSpecs();
  deps_.task_managers.HoldSlots(job_, {});
}

bool JobMaster::NeedsCleanup() const {
  return IsTransactional(history().submission().graph()) && !AwaitsFirstRun();
}

void JobMaster::EndAfterCleanup(proto::JobTerminal::State state, const std::string& reason,
                                Done done) {
  if (!NeedsCleanup()) return End(state, reason, std::move(done));
  cleanup_ = Ending{state, reason, std::move(done)};
  if (state != proto::JobTerminal::FAILED || history().failing() != nullptr) return TryCleanup();
  SetState(JobState::kFailing);
  log_.Append(
      [reason](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_failing()->set_reason(reason);
        return entry;
      },
      lifetime_.Guard([this](const absl::Status& status) {
        // Without it a next leader would start the job again, which loses nothing.
        if (!absl::IsAborted(status)) TryCleanup();
      }));
}

void JobMaster::Finish() {
  const auto ignore = [](const absl::Status&) {};
  if (!NeedsCleanup()) return End(proto::JobTerminal::FINISHED, "", ignore);
  attempt_.Reset();
  coordinator_->Stop("the job has finished");
  DropExecution();
  SetState(JobState::kStopping);
  SendDirectives();
  EndAfterCleanup(proto::JobTerminal::FINISHED, "", ignore);
}

void JobMaster::SetTrouble(const std::string& trouble) {
  cleanup_->failed = true;
  cleanup_->trouble = absl::StrCat(cleanup_->reason, cleanup_->reason.empty() ? "" : "; ", trouble);
  reason_ = absl::StrCat(cleanup_->trouble,
                         " ('weir cancel --abandon-transactions' leaves them as they are)");
}

void JobMaster::CleanupFailed(const std::string& why) {
  LogWarning("cleanup failed; tried again", {{"job", job_}, {"reason", why}});
  SetTrouble(absl::StrCat("its transactions cannot be settled: ", why));
  attempt_.Reset();
  deps_.executor.Cancel(deploy_timer_);
  DropExecution();
  SendDirectives();
  cleanup_->pause = std::clamp(2 * cleanup_->pause, kCleanupPause, kMaxCleanupPause);
  cleanup_->not_before = deps_.clock.Monotonic() + cleanup_->pause;
  restart_timer_ =
      deps_.executor.PostAfter(cleanup_->pause, lifetime_.Guard([this] { TryCleanup(); }));
}

void JobMaster::Abandon(Done done) {
  if (!cleanup_ || !cleanup_->failed || ending_) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", JobStateName(state_),
                     IsTerminal(state_) ? " already"
                                        : "; only transactions whose settling failed when the job "
                                          "was to end can be abandoned")));
  }
  attempt_.Reset();
  DropExecution();
  deps_.executor.Cancel(restart_timer_);
  ending_ = true;  // while it is looked up what is given up
  TellTransactionFacts([this, done = std::move(done)](
                           const absl::StatusOr<proto::TransactionFacts>& facts) {
    const std::string what = facts.ok() ? DescribeUncommitted(*facts)
                                        : absl::StrCat("; given up; ", facts.status().message());
    LogWarning("transactions abandoned", {{"job", job_}, {"what", what}});
    End(cleanup_->state, absl::StrCat(cleanup_->trouble, what), done);
  });
}

void JobMaster::Cancel(Done done) {
  if (IsTerminal(state_) || ending_ || cleanup_ || state_ == JobState::kCancelling) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", JobStateName(state_), " already")));
  }
  attempt_.Reset();
  deps_.executor.Cancel(deploy_timer_);
  deps_.executor.Cancel(restart_timer_);
  coordinator_->Stop("the job is canceled");
  const std::string reason =
      absl::StrCat("canceled by request", reason_.empty() ? "" : "; before: ", reason_);
  DropExecution();
  SetState(JobState::kCancelling);
  SendDirectives();
  log_.Append(
      [](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_stop_requested()->set_cancel(true);
        return entry;
      },
      lifetime_.Guard([this, reason, done = std::move(done)](const absl::Status& status) {
        if (absl::IsAborted(status)) return done(status);
        // Settling takes as long as brokers take: the request is accepted.
        const bool now = !NeedsCleanup();
        if (!now) done(absl::OkStatus());
        EndAfterCleanup(
            proto::JobTerminal::CANCELED, reason, now ? done : [](const absl::Status&) {});
      }));
}

void JobMaster::Stop(Done done) {
  if (IsTerminal(state_) || ending_ || cleanup_ || state_ == JobState::kCancelling) {
    return done(absl::FailedPreconditionError(
        absl::StrCat("job ", job_.value(), " is ", JobStateName(state_), " already")));
  }
  if (state_ == JobState::kSuspended) {
    return done(absl::FailedPreconditionError(absl::StrCat(
        "job ", job_.value(),
        " is SUSPENDED: 'weir resume' lets it go on, 'weir cancel' ends it as it is")));
  }
  log_.Append(
      [](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_stop_requested()->set_cancel(false);
        return entry;
      },
      lifetime_.Guard([this, done = std::move(done)](const absl::Status& status) {
        if (status.ok() && state_ == JobState::kRunning) {
          execution_->StopSources();
          SetState(JobState::kStopping);
          SendDirectives();
        }
        done(status);
      }));
}

// One worker, on a node that has one of this job if there is any.
void JobMaster::TryCleanup() {
  if (!cleanup_ || execution_ != nullptr || coordinator_->busy() || ending_ || starting_) return;
  if (deps_.clock.Monotonic() < cleanup_->not_before) return;
  // A new leader has none at first, which is no failure: the same cancel, asked of it again by the
  // client, must not give anything up.
  if (WaitsForFormerTaskManagers()) return;
  PlacementRequest request;
  request.slots = 1;
  request.free_slots = deps_.task_managers.FreeSlotsFor(job_);
  for (const auto& [id, worker] : workers_) request.previous = {worker.task_manager};
  absl::StatusOr<SlotPlacement> slots = PlaceSlots(request);
  if (!slots.ok()) {
    return SetTrouble(
        absl::StrCat("waits for a slot to settle its transactions: ", slots.status().message()));
  }
  deps_.task_managers.HoldSlots(job_, {{slots->front(), 1}});
  const proto::JobGraph& graph = history().submission().graph();
  execution_ = std::make_unique<Execution>(
      history().generation().Next(), graph,
      AssignWorkers(SlotPlacement(RequiredSlots(graph), slots->front())));
  UpdateSpecs();
  initialization_steps_ = 0;
  ArmDeployTimer();
  LoadRestoreData();
}

}  // namespace weir::jobmanager

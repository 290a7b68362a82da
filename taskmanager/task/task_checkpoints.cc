// The checkpoint half of Task: barriers, snapshots, permits.
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "taskmanager/task/task.h"

namespace weir::taskmanager {

void Task::DoTrigger(const Barrier& barrier) {
  if (source_ == nullptr || terminal()) return;
  if (last_barrier_.has_value() && barrier.epoch <= *last_barrier_) return;
  absl::Status declined;
  if (!live()) {
    declined = absl::FailedPreconditionError("the task is not running yet");
  } else if (!source_->assigned()) {
    // A snapshot without its splits would make them start over.
    declined = absl::FailedPreconditionError("the source task has not got its splits yet");
  } else if (pending_snapshots_.size() >= kMaxPendingSnapshots) {
    declined = absl::ResourceExhaustedError(
        absl::StrCat(kMaxPendingSnapshots, " earlier checkpoints wait for a sink to be prepared"));
  }
  if (!declined.ok()) {
    return observer_.OnSnapshot(subtask_, barrier.epoch, barrier.attempt, declined);
  }
  FailIfNotOk(TakeOrKeep(barrier));
}

absl::Status Task::TakeOrKeep(const Barrier& barrier) {
  if (!barrier.suspends || !chain_->firing()) return OnBarrier(barrier);
  waiting_barrier_ = barrier;
  return absl::OkStatus();
}

absl::Status Task::OnBarrier(const Barrier& barrier) {
  if (last_barrier_.has_value() && barrier.epoch <= *last_barrier_) return absl::OkStatus();
  last_barrier_ = barrier.epoch;
  suspended_.reset();
  if (barrier.suspends) suspended_ = barrier.epoch;
  if (pending_snapshots_.size() >= kMaxPendingSnapshots) {
    observer_.OnSnapshot(
        subtask_, barrier.epoch, barrier.attempt,
        absl::ResourceExhaustedError(absl::StrCat(
            kMaxPendingSnapshots, " earlier checkpoints wait for a sink to be prepared")));
  } else {
    PendingSnapshot pending;
    pending.barrier = barrier;
    pending.sinks_left = chain_->sinks().size();
    const absl::Duration start = clock_.Monotonic();
    if (alignment_.has_value() && alignment_->epoch == barrier.epoch) {
      pending.data.times.alignment = start - alignment_->start;
    }
    const absl::Status taken = TakeSnapshot(pending.data, barrier.epoch);
    pending.taken = clock_.Monotonic();
    pending.data.times.sync = pending.taken - start;
    if (absl::IsUnavailable(taken) && !chain_->boundary().failure().has_value()) {
      observer_.OnSnapshot(subtask_, barrier.epoch, barrier.attempt, taken);
    } else {
      WEIR_RETURN_IF_ERROR(taken);
      pending_snapshots_.push_back(std::move(pending));
      PrepareSinks(barrier);
    }
  }
  for (ChannelStage* channel : chain_->channels()) {
    WEIR_RETURN_IF_ERROR(channel->Push(barrier));
  }
  ReportReadySnapshots();
  return absl::OkStatus();
}

void Task::ClockAlignment() {
  const std::optional<Epoch> epoch = gate_->aligning();
  if (!epoch.has_value() || (alignment_.has_value() && alignment_->epoch == *epoch)) return;
  alignment_ = {*epoch, clock_.Monotonic()};
}

absl::Status Task::TakeSnapshot(TaskSnapshotData& data, Epoch epoch) {
  if (gate_ != nullptr) data.input_watermark = gate_->watermark();
  if (source_ != nullptr) {
    OperatorSnapshotData one;
    one.uid = source_->identity().uid;
    WEIR_ASSIGN_OR_RETURN(one.splits, source_->Snapshot());
    positions_[epoch] = one.splits;
    if (positions_.size() > kMaxRememberedPositions) positions_.erase(positions_.begin());
    data.operators.push_back(std::move(one));
  }
  for (OperatorStage* stage : chain_->operators()) {
    OperatorSnapshotData one;
    WEIR_RETURN_IF_ERROR(stage->Snapshot(one));
    data.operators.push_back(std::move(one));
  }
  for (SinkStage* sink : chain_->sinks()) {
    OperatorSnapshotData one;
    one.uid = sink->identity().uid;
    data.operators.push_back(std::move(one));
  }
  return absl::OkStatus();
}

void Task::PrepareSinks(const Barrier& barrier) {
  for (size_t i = 0; i < chain_->sinks().size(); ++i) {
    SinkStage* sink = chain_->sinks()[i];
    // The callback may come from any thread, also at once, also after the task is gone.
    auto done = [this, barrier, i,
                 mailbox = mailbox_](absl::StatusOr<std::vector<std::string>> committables) {
      mailbox->Post([this, barrier, i, committables = std::move(committables)]() mutable {
        OnPrepared(barrier, i, std::move(committables));
      });
    };
    (void)chain_->boundary().Run(sink->identity(), nullptr, [&] {
      sink->PrepareCommit(barrier.epoch, std::move(done));
      return absl::OkStatus();
    });
  }
}

void Task::OnPrepared(const Barrier& barrier, size_t sink,
                      absl::StatusOr<std::vector<std::string>> committables) {
  if (!live()) return;
  if (!committables.ok()) {
    chain_->boundary().Record(chain_->sinks()[sink]->identity(), nullptr, committables.status());
    return Fail(committables.status());
  }
  for (PendingSnapshot& pending : pending_snapshots_) {
    if (pending.barrier.epoch != barrier.epoch) continue;
    const size_t first_sink = pending.data.operators.size() - chain_->sinks().size();
    OperatorSnapshotData& data = pending.data.operators[first_sink + sink];
    data.committables = *std::move(committables);
    const SinkWriter& writer = chain_->sinks()[sink]->writer();
    for (const std::string& one : data.committables) {
      data.committable_texts.push_back(writer.DescribeCommittable(one));
    }
    --pending.sinks_left;
    break;
  }
  ReportReadySnapshots();
}

void Task::ReportReadySnapshots() {
  while (!pending_snapshots_.empty() && pending_snapshots_.front().sinks_left == 0) {
    PendingSnapshot ready = std::move(pending_snapshots_.front());
    pending_snapshots_.pop_front();
    ready.data.times.prepare = clock_.Monotonic() - ready.taken;
    observer_.OnSnapshot(subtask_, ready.barrier.epoch, ready.barrier.attempt,
                         std::move(ready.data));
  }
}

void Task::DoCommit(const CommitPermit& permit) {
  if (!live()) return;
  const Epoch epoch = permit.epoch();
  if (chain_->sinks().empty() || (last_committed_.has_value() && epoch <= *last_committed_)) {
    return observer_.OnCommitted(subtask_, epoch);
  }
  if (!commits_in_flight_.empty() && commits_in_flight_.rbegin()->first >= epoch) return;
  commits_in_flight_[epoch] = chain_->sinks().size();
  for (size_t i = 0; i < chain_->sinks().size(); ++i) {
    SinkStage* sink = chain_->sinks()[i];
    auto done = [this, epoch, i, mailbox = mailbox_](const absl::Status& status) {
      mailbox->Post([this, epoch, i, status] { OnSinkCommitted(epoch, i, status); });
    };
    FailIfNotOk(chain_->boundary().Run(sink->identity(), nullptr, [&] {
      sink->writer().Commit(permit, std::move(done));
      return absl::OkStatus();
    }));
    if (terminal()) return;
  }
}

void Task::OnSinkCommitted(Epoch epoch, size_t sink, const absl::Status& status) {
  if (!live()) return;
  if (!status.ok()) {
    chain_->boundary().Record(chain_->sinks()[sink]->identity(), nullptr, status);
    return Fail(status);
  }
  const auto found = commits_in_flight_.find(epoch);
  if (found == commits_in_flight_.end() || --found->second > 0) return;
  commits_in_flight_.erase(found);
  if (!last_committed_.has_value() || epoch > *last_committed_) last_committed_ = epoch;
  observer_.OnCommitted(subtask_, epoch);
}

void Task::DoNotifyComplete(Epoch epoch) {
  if (source_ == nullptr || !live()) return;
  const auto found = positions_.find(epoch);
  if (found != positions_.end()) {
    source_->NotifyCheckpointComplete(found->second);
    FailIfNotOk(absl::OkStatus());
  }
  positions_.erase(positions_.begin(), positions_.upper_bound(epoch));
}

}  // namespace weir::taskmanager

#include "connectors/kafka/transactional/transactional_committer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transaction_replay.h"
#include "connectors/kafka/transactional/transactional_id.h"

namespace weir::kafka {
namespace {

// Of generations that may have left ids which no broker lists; those before are left to a sweep.
constexpr uint64_t kFencesAskedFor = 100;
// What a broker whose transaction.max.timeout.ms is Kafka's default allows.
constexpr absl::Duration kDefaultMaxTimeout = absl::Minutes(15);

}  // namespace

std::string DefaultTransactionalIdPrefix(const SinkIdentity& identity) {
  return absl::StrCat(identity.cluster, "-", identity.job_name, "-", identity.uid.value());
}

TransactionalCommitter::TransactionalCommitter(TransactionalCommitterSetup setup,
                                               const Clock& clock)
    : setup_(std::move(setup)),
      clock_(clock),
      wait_(setup_.wait != nullptr ? setup_.wait : std::make_shared<ThreadRetryWait>()),
      steps_(setup_.steps != nullptr ? setup_.steps : std::make_shared<TransactionStepObserver>()) {
}

absl::StatusOr<std::string> TransactionalCommitter::Recover(const SinkRecovery& recovery) {
  absl::StatusOr<std::string> recovered = RunRecovery(recovery);
  // An answer that cannot be read is no loss: only what was found to be lost suspends the job.
  if (!absl::IsDataLoss(recovered.status()) || lost_) return recovered;
  return absl::InternalError(recovered.status().message());
}

absl::StatusOr<std::string> TransactionalCommitter::RunRecovery(const SinkRecovery& recovery) {
  WEIR_ASSIGN_OR_RETURN(client_, setup_.transaction_clients());
  outcomes_ = std::make_unique<TransactionOutcomes>(*client_, *wait_, clock_, kStepTimeout);
  policy_ = recovery.policy;
  on_progress_ = recovery.on_progress;
  const std::string prefix =
      setup_.prefix.empty() ? DefaultTransactionalIdPrefix(recovery.identity) : setup_.prefix;
  instructions_.prefix = prefix;
  instructions_.generation = recovery.generation.value();
  ownership_ = MakeOwnership(prefix);
  const absl::StatusOr<uint64_t> acquired = ownership_->Acquire(recovery);
  if (recovery.cleanup && absl::IsFailedPrecondition(acquired.status())) {
    WEIR_ASSIGN_OR_RETURN(const bool owes, OwesSomething(recovery));
    if (!owes) {
      LogInfo("another job has the transactional id prefix by now", {{"prefix", prefix}});
      ownership_.reset();
      return recovery.last;
    }
  }
  WEIR_RETURN_IF_ERROR(acquired.status());
  uint64_t highest = *acquired;
  WEIR_ASSIGN_OR_RETURN(instructions_.transaction_timeout,
                        AgreeOnTimeout(recovery.checkpoint_interval));
  if (!recovery.last.empty()) {
    WEIR_ASSIGN_OR_RETURN(const WriterInstructions last, WriterInstructions::Decode(recovery.last));
    if (last.prefix == prefix) {
      highest = std::max(highest, last.fence);
      ended_below_ = last.fence;  // by the recovery that gave it out
    }
  }
  WEIR_ASSIGN_OR_RETURN(std::vector<ListedTransaction> listed,
                        client_->ListTransactions({}, kStepTimeout));
  for (const ListedTransaction& one : listed) {
    const auto id = TransactionalId::Parse(one.transactional_id, prefix);
    if (id.has_value()) highest = std::max(highest, id->fence);
  }
  instructions_.fence = highest + 1;
  WEIR_RETURN_IF_ERROR(ownership_->Raise(instructions_.fence));
  WEIR_RETURN_IF_ERROR(DecodeEpochs(recovery.uncommitted));
  absl::Status settled;
  for (const std::vector<Committable>& epoch : epochs_) {
    if (settled.ok()) settled = SettleEpoch(epoch);
  }
  if (settled.ok()) owned_ids_.clear();
  // Also when the job is suspended: nobody comes back soon, and readers wait behind what is open.
  if (settled.ok() || lost_) {
    // Again: until the fence was raised a writer of an earlier generation could take an id.
    WEIR_ASSIGN_OR_RETURN(listed, client_->ListTransactions({}, kStepTimeout));
    // Generations since the checkpoint's: some have had writers, some failed before.
    const uint64_t oldest = highest > kFencesAskedFor ? highest - kFencesAskedFor : 1;
    const uint64_t first = ended_below_ == 0 ? highest : std::max(ended_below_, oldest);
    for (uint64_t fence = first; fence <= highest; ++fence) {
      WEIR_RETURN_IF_ERROR(AddUnlisted(fence, recovery.parallelism, listed));
    }
    WEIR_RETURN_IF_ERROR(EndStrays(highest, listed));
  }
  WEIR_RETURN_IF_ERROR(settled);
  return instructions_.Encode();
}

std::unique_ptr<SinkOwnership> TransactionalCommitter::MakeOwnership(const std::string& prefix) {
  return std::make_unique<SinkOwnership>(SinkOwnership::Options{setup_.topic, prefix, kStepTimeout},
                                         *client_);
}

absl::Status TransactionalCommitter::Release() {
  return ownership_ == nullptr ? absl::OkStatus() : ownership_->Release();
}

// A clean-up that was interrupted behind its release, before the log had the job's end, comes again
// when another job may have the prefix.
absl::StatusOr<bool> TransactionalCommitter::OwesSomething(const SinkRecovery& recovery) {
  for (const UncommittedEpoch& epoch : recovery.uncommitted) {
    for (const std::string& bytes : epoch.committables) {
      WEIR_ASSIGN_OR_RETURN(const Committable committable, Committable::Decode(bytes));
      WEIR_ASSIGN_OR_RETURN(const TransactionOutcome outcome, outcomes_->Read(committable));
      if (outcome != TransactionOutcome::kCommitted) return true;
    }
  }
  return false;
}

absl::Status TransactionalCommitter::Refresh(const SinkIdentity& identity,
                                             const std::string& recovered) {
  WEIR_ASSIGN_OR_RETURN(const WriterInstructions mine, WriterInstructions::Decode(recovered));
  WEIR_ASSIGN_OR_RETURN(client_, setup_.transaction_clients());
  return MakeOwnership(mine.prefix)->Renew(identity, mine);
}

// What earlier generations had prepared, and the log owned, was settled before this one's tasks
// began: of lower fences nothing is owed.
absl::Status TransactionalCommitter::Sweep(const SinkIdentity&, const std::string& recovered) {
  WEIR_ASSIGN_OR_RETURN(instructions_, WriterInstructions::Decode(recovered));
  WEIR_ASSIGN_OR_RETURN(client_, setup_.transaction_clients());
  WEIR_ASSIGN_OR_RETURN(const std::vector<ListedTransaction> listed,
                        client_->ListTransactions({}, kStepTimeout));
  absl::Status first_error;
  for (const ListedTransaction& one : listed) {
    const auto id = TransactionalId::Parse(one.transactional_id, instructions_.prefix);
    if (!id.has_value() || id->fence >= instructions_.fence || !IsOpen(one.state)) continue;
    const absl::Status ended = Fence(one.transactional_id);
    if (first_error.ok()) first_error = ended;
    if (!ended.ok()) continue;  // the others need not wait for its partition's leader
    LogWarning("transaction of a worker whose generation was over ended",
               {{"id", one.transactional_id}});
  }
  return first_error;
}

std::map<std::string, double> TransactionalCommitter::Metrics() const {
  return {{"replays", static_cast<double>(replays_)},
          {"replayedRecords", static_cast<double>(replayed_records_)}};
}

// Whoever publishes again for this prefix is fenced by it, too.
absl::StatusOr<absl::Duration> TransactionalCommitter::AgreeOnTimeout(
    absl::Duration checkpoint_interval) {
  const std::string id = ReplayId(instructions_.prefix);
  const auto taken = client_->InitProducerId(id, setup_.transaction_timeout, kStepTimeout);
  if (taken.ok()) return setup_.transaction_timeout;
  if (!absl::IsInvalidArgument(taken.status())) return taken.status();
  if (setup_.transaction_timeout_set || setup_.transaction_timeout <= kDefaultMaxTimeout) {
    return absl::InvalidArgumentError(absl::StrCat(
        "transaction.timeout.ms is ", absl::ToInt64Milliseconds(setup_.transaction_timeout),
        ", which is above the brokers' transaction.max.timeout.ms"));
  }
  const auto lower = client_->InitProducerId(id, kDefaultMaxTimeout, kStepTimeout);
  if (lower.ok() && checkpoint_interval > kDefaultMaxTimeout / 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint.interval is ", absl::FormatDuration(checkpoint_interval),
                     ", and may be at most half of the transaction timeout, which is lowered to ",
                     absl::FormatDuration(kDefaultMaxTimeout),
                     ": the brokers' transaction.max.timeout.ms is "
                     "below the ",
                     absl::FormatDuration(setup_.transaction_timeout), " that are asked for"));
  }
  if (lower.ok()) return kDefaultMaxTimeout;
  if (!absl::IsInvalidArgument(lower.status())) return lower.status();
  return absl::InvalidArgumentError(
      "the brokers' transaction.max.timeout.ms is below 15 minutes; set transaction.timeout.ms of "
      "the sink to what they allow");
}

absl::Status TransactionalCommitter::DecodeEpochs(const std::vector<UncommittedEpoch>& epochs) {
  for (const UncommittedEpoch& epoch : epochs) {
    std::vector<Committable>& committables = epochs_.emplace_back();
    for (const std::string& bytes : epoch.committables) {
      WEIR_ASSIGN_OR_RETURN(Committable committable, Committable::Decode(bytes));
      owned_ids_.insert(committable.transactional_id);
      committables.push_back(std::move(committable));
    }
    // Those of an epoch that failed ride in the answer of a later one: oldest first.
    std::stable_sort(
        committables.begin(), committables.end(),
        [](const Committable& a, const Committable& b) { return a.marker.epoch < b.marker.epoch; });
  }
  return absl::OkStatus();
}

absl::Status TransactionalCommitter::SettleEpoch(const std::vector<Committable>& committables) {
  WEIR_ASSIGN_OR_RETURN(std::vector<Committable> aborted, CommitOrCollect(committables));
  WEIR_RETURN_IF_ERROR(Replay(std::move(aborted)));
  if (losses_.empty()) return absl::OkStatus();
  lost_ = true;
  return absl::DataLossError(
      absl::StrCat(absl::StrJoin(losses_, "; "),
                   "; 'weir resume' goes on with what is left of them (--policy=replay) or without "
                   "what cannot be published exactly once (--policy=ignore)"));
}

uint32_t TransactionalCommitter::SubtaskOf(const Committable& committable) const {
  const auto id = TransactionalId::Parse(committable.transactional_id, instructions_.prefix);
  return id.has_value() ? id->subtask : std::numeric_limits<uint32_t>::max();
}

// A subtask stops at its first transaction that is published again: its later ones are ended and
// published behind it, so that its records stay in order.
absl::StatusOr<std::vector<Committable>> TransactionalCommitter::CommitOrCollect(
    const std::vector<Committable>& committables) {
  std::vector<Committable> collected;
  std::set<uint32_t> stopped;  // subtasks
  for (const Committable& committable : committables) {
    const std::string& name = committable.transactional_id;
    const uint32_t subtask = SubtaskOf(committable);
    if (undecided_.count(subtask) > 0) {
      AddWaiting(committable);
      continue;
    }
    if (stopped.count(subtask) == 0) {
      steps_->OnStep(TransactionStep::kBeforeRecoveryEndTransaction, name);
      WEIR_ASSIGN_OR_RETURN(const TransactionOutcome outcome, outcomes_->Commit(committable));
      on_progress_();
      steps_->OnStep(TransactionStep::kAfterRecoveryEndTransaction, name);
      if (outcome == TransactionOutcome::kCommitted) continue;
      if (!DecideToReplay(committable, outcome)) continue;
      stopped.insert(subtask);
    }
    WEIR_RETURN_IF_ERROR(Fence(name));
    collected.push_back(committable);
  }
  return collected;
}

bool TransactionalCommitter::DecideToReplay(const Committable& committable,
                                            TransactionOutcome outcome) {
  const bool aborted = outcome == TransactionOutcome::kAborted;
  const bool replays = setup_.aborted_transactions == AbortedTransactionPolicy::kReplay;
  const bool ignores = setup_.aborted_transactions == AbortedTransactionPolicy::kIgnore;
  if (policy_ == ResumePolicy::kReplay || (aborted && replays)) return true;
  if (policy_ == ResumePolicy::kIgnore || (aborted && ignores)) {
    LogError("a transaction is left out of the topic", {{"id", committable.transactional_id},
                                                        {"epoch", committable.marker.epoch},
                                                        {"aborted", aborted},
                                                        {"records", committable.DescribeRanges()}});
    return false;
  }
  AddLoss(committable,
          aborted ? "was aborted before it was committed" : "is gone without a trace of a commit");
  return false;
}

absl::Status TransactionalCommitter::Replay(std::vector<Committable> committables) {
  while (!committables.empty()) {
    TransactionReplay::Options options;
    options.configuration = setup_.configuration;
    options.prefix = instructions_.prefix;
    options.transaction_timeout = instructions_.transaction_timeout;
    options.timeout = kStepTimeout;
    options.rest_suffices = policy_ == ResumePolicy::kReplay;
    options.on_progress = on_progress_;
    TransactionReplay replay(options, *setup_.clients, *client_, *outcomes_, *steps_);
    const absl::StatusOr<uint64_t> published = replay.Publish(committables);
    if (published.ok()) {
      replays_ += *published > 0 ? 1 : 0;
      replayed_records_ += *published;
      return absl::OkStatus();
    }
    if (!replay.loss().has_value()) return published.status();
    const Committable lost = committables[replay.loss()->index];
    if (policy_ != ResumePolicy::kIgnore) {
      AddLoss(lost, absl::StrCat("was aborted before it was committed, and cannot be published "
                                 "again, since ",
                                 replay.loss()->why));
      for (size_t i = 0; i < committables.size(); ++i) {
        const bool waits = SubtaskOf(committables[i]) == SubtaskOf(lost);
        if (waits && i != replay.loss()->index) AddWaiting(committables[i]);
      }
      std::erase_if(committables,
                    [&](const Committable& one) { return undecided_.count(SubtaskOf(one)) > 0; });
      continue;
    }
    LogError("a transaction is left out of the topic", {{"id", lost.transactional_id},
                                                        {"epoch", lost.marker.epoch},
                                                        {"reason", replay.loss()->why},
                                                        {"records", lost.DescribeRanges()}});
    committables.erase(committables.begin() + static_cast<std::ptrdiff_t>(replay.loss()->index));
  }
  return absl::OkStatus();
}

// A person decides. Until then nothing of its subtask follows it.
void TransactionalCommitter::AddLoss(const Committable& committable, const std::string& what) {
  undecided_.insert(SubtaskOf(committable));
  losses_.push_back(absl::StrCat("epoch ", committable.marker.epoch.value(),
                                 " is owned, but its transaction '", committable.transactional_id,
                                 "' ", what, ": ", committable.DescribeRanges(),
                                 "; it was started at ", absl::FormatTime(committable.started),
                                 " with a timeout of ", absl::FormatDuration(committable.timeout)));
}

// If the job is given up, it is lost as well.
void TransactionalCommitter::AddWaiting(const Committable& committable) {
  losses_.push_back(absl::StrCat(
      "transaction '", committable.transactional_id, "' of epoch ",
      committable.marker.epoch.value(),
      ", of the same subtask, waits for the decision: ", committable.DescribeRanges()));
}

absl::Status TransactionalCommitter::Fence(const std::string& transactional_id) {
  on_progress_();
  return client_->InitProducerId(transactional_id, instructions_.transaction_timeout, kStepTimeout)
      .status();
}

// While a partition of the coordinators' log moves, no broker lists what is in it: so the ids that
// the generation before may have taken are asked for one by one, which waits for each coordinator.
// Numbers of slots rise without a gap but for those that are being warmed.
absl::Status TransactionalCommitter::AddUnlisted(uint64_t fence, uint32_t parallelism,
                                                 std::vector<ListedTransaction>& listed) {
  constexpr uint32_t kAtOnce = TransactionalWriter::kMaxSlots + TransactionalWriter::kWarmSlots;
  if (fence == 0) return absl::OkStatus();
  std::set<std::string> known;
  for (const ListedTransaction& one : listed) known.insert(one.transactional_id);
  bool more = parallelism > 0;
  for (uint32_t first = 0; more; first += kAtOnce) {
    std::vector<std::string> ids;
    for (uint32_t subtask = 0; subtask < parallelism; ++subtask) {
      for (uint32_t slot = first; slot < first + kAtOnce; ++slot) {
        ids.push_back(TransactionalId{instructions_.prefix, fence, subtask, slot}.ToString());
      }
    }
    WEIR_ASSIGN_OR_RETURN(const auto described, client_->DescribeTransactions(ids, kStepTimeout));
    on_progress_();
    more = false;
    for (const auto& [name, transaction] : described) {
      const auto id = TransactionalId::Parse(name, instructions_.prefix);
      more = more || id->slot + TransactionalWriter::kWarmSlots >= first + kAtOnce;
      if (known.count(name) > 0) continue;
      listed.push_back({name, transaction.producer.producer_id, transaction.state});
    }
  }
  return absl::OkStatus();
}

// Ids that are open, and those of all generations since the last whose recovery is known to have
// gone through: their holders may still live and open them again. Never EndTxn(abort): it leaves
// producer id and epoch valid for that holder.
absl::Status TransactionalCommitter::EndStrays(uint64_t fence,
                                               const std::vector<ListedTransaction>& listed) {
  for (const ListedTransaction& one : listed) {
    const auto id = TransactionalId::Parse(one.transactional_id, instructions_.prefix);
    if (!id.has_value() || owned_ids_.count(one.transactional_id) > 0) continue;
    // A newer generation's: this recovery was slow, and is over.
    if (id->fence > fence) continue;
    if (!IsOpen(one.state) && id->fence < ended_below_) continue;
    WEIR_RETURN_IF_ERROR(Fence(one.transactional_id));
    if (IsOpen(one.state)) {
      LogInfo("transaction of an earlier generation ended", {{"id", one.transactional_id}});
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka

#include "connectors/kafka/transactional/transactional_committer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/writer_instructions.h"

namespace weir::kafka {
namespace {

// What a broker whose transaction.max.timeout.ms is Kafka's default allows.
constexpr absl::Duration kDefaultMaxTimeout = absl::Minutes(15);
constexpr absl::Duration kMarkerPause = absl::Milliseconds(20);

// "topic 'out', partition 0 offsets 5 to 9 (5 records), partition 1 ..."
std::string DescribeRanges(const Committable& committable) {
  std::string text = absl::StrCat("topic '", committable.topic, "'");
  for (const auto& [partition, range] : committable.ranges) {
    absl::StrAppend(&text, ", partition ", partition, " offsets ", range.first_offset, " to ",
                    range.last_offset, " (", range.count,
                    range.count == 1 ? " record)" : " records)");
  }
  return text;
}

bool IsOpen(TransactionState state) {
  return state == TransactionState::kOngoing || state == TransactionState::kPrepareCommit ||
         state == TransactionState::kPrepareAbort ||
         state == TransactionState::kPrepareEpochFence || state == TransactionState::kUnknown;
}

}  // namespace

std::string DefaultTransactionalIdPrefix(const SinkIdentity& identity) {
  return absl::StrCat(identity.cluster, "-", identity.job_name, "-", identity.uid.value());
}

TransactionalCommitter::TransactionalCommitter(TransactionalCommitterSetup setup,
                                               const Clock& clock)
    : setup_(std::move(setup)),
      clock_(clock),
      steps_(setup_.steps != nullptr ? setup_.steps : std::make_shared<TransactionStepObserver>()) {
}

absl::StatusOr<std::string> TransactionalCommitter::Recover(const SinkRecovery& recovery) {
  absl::StatusOr<std::string> recovered = RunRecovery(recovery);
  // An answer that cannot be read is no loss: only what CommitEpoch found suspends the job.
  if (!absl::IsDataLoss(recovered.status()) || lost_) return recovered;
  return absl::InternalError(recovered.status().message());
}

absl::StatusOr<std::string> TransactionalCommitter::RunRecovery(const SinkRecovery& recovery) {
  WEIR_ASSIGN_OR_RETURN(client_, setup_.transaction_clients());
  WriterInstructions instructions;
  instructions.prefix =
      setup_.prefix.empty() ? DefaultTransactionalIdPrefix(recovery.identity) : setup_.prefix;
  const std::string& prefix = instructions.prefix;
  ownership_ = std::make_unique<SinkOwnership>(
      SinkOwnership::Options{setup_.configuration, setup_.topic, prefix, kStepTimeout},
      *setup_.clients, *client_);
  WEIR_ASSIGN_OR_RETURN(uint64_t highest,
                        ownership_->Acquire(recovery.identity, recovery.live_jobs));
  WEIR_ASSIGN_OR_RETURN(instructions.transaction_timeout, AgreeOnTimeout(prefix));
  if (!recovery.last.empty()) {
    WEIR_ASSIGN_OR_RETURN(const WriterInstructions last, WriterInstructions::Decode(recovery.last));
    if (last.prefix == prefix) highest = std::max(highest, last.fence);
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<ListedTransaction> listed,
                        client_->ListTransactions({}, kStepTimeout));
  for (const ListedTransaction& one : listed) {
    const auto id = TransactionalId::Parse(one.transactional_id, prefix);
    if (id.has_value()) highest = std::max(highest, id->fence);
  }
  instructions.fence = highest + 1;
  WEIR_RETURN_IF_ERROR(ownership_->Raise(instructions.fence));
  for (const UncommittedEpoch& epoch : recovery.uncommitted) {
    WEIR_RETURN_IF_ERROR(CommitEpoch(epoch));
  }
  WEIR_RETURN_IF_ERROR(EndStrays(prefix, highest, listed));
  return instructions.Encode();
}

absl::Status TransactionalCommitter::Release() { return ownership_->Release(); }

// Whoever publishes again for this prefix is fenced by it, too.
absl::StatusOr<absl::Duration> TransactionalCommitter::AgreeOnTimeout(const std::string& prefix) {
  const auto taken =
      client_->InitProducerId(ReplayId(prefix), setup_.transaction_timeout, kStepTimeout);
  if (taken.ok()) return setup_.transaction_timeout;
  if (!absl::IsInvalidArgument(taken.status())) return taken.status();
  if (setup_.transaction_timeout_set || setup_.transaction_timeout <= kDefaultMaxTimeout) {
    return absl::InvalidArgumentError(absl::StrCat(
        "transaction.timeout.ms is ", absl::ToInt64Milliseconds(setup_.transaction_timeout),
        ", which is above the brokers' transaction.max.timeout.ms"));
  }
  const auto lower = client_->InitProducerId(ReplayId(prefix), kDefaultMaxTimeout, kStepTimeout);
  if (lower.ok()) return kDefaultMaxTimeout;
  if (!absl::IsInvalidArgument(lower.status())) return lower.status();
  return absl::InvalidArgumentError(
      "the brokers' transaction.max.timeout.ms is below 15 minutes; set transaction.timeout.ms of "
      "the sink to what they allow");
}

absl::Status TransactionalCommitter::CommitEpoch(const UncommittedEpoch& epoch) {
  std::vector<Committable> committables;
  for (const std::string& bytes : epoch.committables) {
    WEIR_ASSIGN_OR_RETURN(Committable committable, Committable::Decode(bytes));
    committables.push_back(std::move(committable));
  }
  // Those of an epoch that failed ride in the answer of a later one: oldest first.
  std::stable_sort(
      committables.begin(), committables.end(),
      [](const Committable& a, const Committable& b) { return a.marker.epoch < b.marker.epoch; });
  for (const Committable& committable : committables) {
    steps_->OnStep(TransactionStep::kBeforeRecoveryEndTransaction, committable.transactional_id);
    WEIR_ASSIGN_OR_RETURN(const Outcome outcome, CommitOne(committable));
    steps_->OnStep(TransactionStep::kAfterRecoveryEndTransaction, committable.transactional_id);
    if (outcome == Outcome::kCommitted) continue;
    lost_ = true;
    return absl::DataLossError(absl::StrCat(
        "epoch ", committable.marker.epoch.value(), " is owned, but its transaction '",
        committable.transactional_id,
        outcome == Outcome::kAborted ? "' was aborted before it was committed: "
                                     : "' is gone without a trace of a commit: ",
        DescribeRanges(committable), "; started at ", absl::FormatTime(committable.started),
        " with a timeout of ", absl::FormatDuration(committable.timeout)));
  }
  return absl::OkStatus();
}

absl::StatusOr<TransactionalCommitter::Outcome> TransactionalCommitter::CommitOne(
    const Committable& committable) {
  const EndTransactionAnswer answer =
      client_->EndTransaction(committable.transactional_id, committable.marker.producer,
                              TransactionResult::kCommit, kStepTimeout);
  switch (answer.outcome) {
    case EndTransactionOutcome::kDone: {
      // The answer comes before the markers are written.
      const absl::Duration end = clock_.Monotonic() + kStepTimeout;
      while (true) {
        WEIR_ASSIGN_OR_RETURN(const Outcome outcome, ReadMarker(committable));
        if (outcome == Outcome::kCommitted) break;
        if (clock_.Monotonic() >= end || !wait_.Wait(kMarkerPause)) {
          return absl::UnavailableError(
              absl::StrCat("transaction '", committable.transactional_id,
                           "' is committed, but its marker cannot be read yet"));
        }
      }
      LogInfo("transaction committed",
              {{"id", committable.transactional_id}, {"epoch", committable.marker.epoch}});
      return Outcome::kCommitted;
    }
    case EndTransactionOutcome::kInvalidTxnState:
    case EndTransactionOutcome::kFenced:
    case EndTransactionOutcome::kUnknownProducerMapping:
      return ReadMarker(committable);
    case EndTransactionOutcome::kRefused:
    case EndTransactionOutcome::kNotAnswered:
      break;
  }
  return answer.detail;
}

absl::StatusOr<TransactionalCommitter::Outcome> TransactionalCommitter::ReadMarker(
    const Committable& committable) {
  const absl::Duration end = clock_.Monotonic() + kStepTimeout;
  GroupOffset found;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(found, client_->FetchOffset(committable.transactional_id,
                                                      {committable.topic, 0}, {}, kStepTimeout));
    if (found.kind != GroupOffset::Kind::kUnstable) break;
    if (clock_.Monotonic() >= end || !wait_.Wait(kMarkerPause)) {
      return absl::UnavailableError(
          absl::StrCat("the marker of transaction '", committable.transactional_id,
                       "' is still being written; is a partition of topic '", committable.topic,
                       "' without a leader?"));
    }
  }
  if (found.kind == GroupOffset::Kind::kAbsent) return Outcome::kUnknown;
  const absl::StatusOr<TransactionMarker> marker = TransactionMarker::Decode(found.metadata);
  if (!marker.ok() || marker->run != committable.marker.run) return Outcome::kUnknown;
  return *marker == committable.marker ? Outcome::kCommitted : Outcome::kAborted;
}

// Ids that are open, and those of the generation before, whose holder may still live and open them
// again. Never EndTxn(abort): it leaves producer id and epoch valid for that holder.
absl::Status TransactionalCommitter::EndStrays(const std::string& prefix, uint64_t fence,
                                               const std::vector<ListedTransaction>& listed) {
  for (const ListedTransaction& one : listed) {
    const auto id = TransactionalId::Parse(one.transactional_id, prefix);
    if (!id.has_value() || (!IsOpen(one.state) && id->fence != fence)) continue;
    WEIR_RETURN_IF_ERROR(
        client_->InitProducerId(one.transactional_id, kDefaultMaxTimeout, kStepTimeout).status());
    if (IsOpen(one.state)) {
      LogInfo("transaction of an earlier generation ended", {{"id", one.transactional_id}});
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka

#include "connectors/kafka/transactional/transaction_judgement.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/writer_instructions.h"

namespace weir::kafka {
namespace {

PrefixOwner OwnerOf(const std::optional<OwnerRecord>& record, const SinkTransactionFacts& facts) {
  if (!record.has_value()) return PrefixOwner::kNobody;
  const bool here = record->cluster == facts.identity.cluster;
  if (record->released || (here && facts.ended_jobs.count(record->job) > 0)) {
    return PrefixOwner::kEndedJob;
  }
  return here && record->job == facts.identity.job.value() ? PrefixOwner::kThisJob
                                                           : PrefixOwner::kOtherJob;
}

}  // namespace

absl::StatusOr<TransactionJudgement> TransactionJudgement::Make(const SinkTransactionFacts& facts,
                                                                std::string prefix,
                                                                std::string topic,
                                                                std::optional<OwnerRecord> owner) {
  TransactionJudgement judgement;
  judgement.facts_ = facts;
  judgement.prefix_ = std::move(prefix);
  judgement.topic_ = std::move(topic);
  judgement.owned_by_ = OwnerOf(owner, facts);
  judgement.owner_ = std::move(owner);
  for (const SinkTransactionFacts::OwnedEpoch& epoch : facts.uncommitted) {
    for (const std::string& bytes : epoch.committables) {
      WEIR_ASSIGN_OR_RETURN(Committable committable, Committable::Decode(bytes));
      const std::string id = committable.transactional_id;
      judgement.owed_.try_emplace(id, OwedTransaction{epoch.epoch, std::move(committable)});
    }
  }
  if (!facts.running.empty()) {
    WEIR_ASSIGN_OR_RETURN(const auto running, WriterInstructions::Decode(facts.running));
    if (running.prefix == judgement.prefix_) judgement.running_fence_ = running.fence;
  }
  judgement.newest_fence_ = judgement.running_fence_;
  if (judgement.owned_by_ == PrefixOwner::kThisJob) {
    judgement.newest_fence_ =
        std::max(judgement.newest_fence_.value_or(0), judgement.owner_->fence);
  }
  return judgement;
}

bool TransactionJudgement::Names(const std::string& id) const {
  return id == OwnerId(prefix_) || id == ReplayId(prefix_) ||
         TransactionalId::Parse(id, prefix_).has_value();
}

const OwedTransaction* TransactionJudgement::FindOwed(const std::string& id) const {
  const auto found = owed_.find(id);
  return found == owed_.end() ? nullptr : &found->second;
}

bool TransactionJudgement::NeedsMarker(const std::string& id, TransactionState state) const {
  const auto parsed = TransactionalId::Parse(id, prefix_);
  if (!parsed.has_value()) return false;
  return IsOpen(state) || FindOwed(id) != nullptr ||
         (newest_fence_.has_value() && parsed->fence >= *newest_fence_);
}

TransactionJudgement::Fate TransactionJudgement::FateOf(const OwedTransaction& owed,
                                                        const FoundTransaction& found) {
  const TransactionMarker& wanted = owed.committable.marker;
  if (found.described.producer == wanted.producer) {
    if (found.described.state == TransactionState::kOngoing) return Fate::kOpen;
    if (found.described.state == TransactionState::kPrepareCommit) return Fate::kCommitting;
  }
  if (!found.marker.has_value() || found.marker->run != wanted.run) return Fate::kUnknown;
  if (*found.marker == wanted) return Fate::kCommitted;
  return found.marker->epoch < wanted.epoch ? Fate::kAborted : Fate::kUnknown;
}

TransactionKind TransactionJudgement::KindOf(const FoundTransaction& found) const {
  if (found.id == OwnerId(prefix_)) return TransactionKind::kOwner;
  if (owned_by_ == PrefixOwner::kOtherJob) return TransactionKind::kForeign;
  if (found.id == ReplayId(prefix_)) return TransactionKind::kReplay;
  // What an ended job owes was given up with it.
  if (FindOwed(found.id) != nullptr && !facts_.ended) return TransactionKind::kOwed;
  const bool open = IsOpen(found.described.state);
  const auto parsed = TransactionalId::Parse(found.id, prefix_);
  if (!parsed.has_value()) return TransactionKind::kUndecided;
  // Nobody's, or an ended job's: but this job's, too, if it runs with it.
  const bool living = owned_by_ == PrefixOwner::kThisJob || running_fence_.has_value() ||
                      (owned_by_ == PrefixOwner::kNobody && !facts_.ended && facts_.prefix.empty());
  if (living) {
    if (!newest_fence_.has_value() || parsed->fence > *newest_fence_) {
      return open ? TransactionKind::kUndecided : TransactionKind::kIdle;
    }
    if (parsed->fence == *newest_fence_) return TransactionKind::kCurrent;
  } else if (open && MayBeOfAJobThatStarts(parsed->fence)) {
    return TransactionKind::kUndecided;
  }
  return open ? TransactionKind::kStray : TransactionKind::kIdle;
}

// Whoever took it has raised the record's fence after the record was read.
bool TransactionJudgement::MayBeOfAJobThatStarts(uint64_t fence) const {
  return owner_.has_value() && fence > owner_->fence;
}

absl::Status TransactionJudgement::CheckMayEnd(const FoundTransaction& found) const {
  switch (KindOf(found)) {
    case TransactionKind::kForeign:
      break;
    case TransactionKind::kOwner:
      if (owned_by_ == PrefixOwner::kOtherJob) break;
      if (owned_by_ != PrefixOwner::kThisJob) return absl::OkStatus();
      return absl::FailedPreconditionError(absl::StrCat(
          "'", found.id, "' keeps the owner record of job ", owner_->job, ", which has not ended"));
    case TransactionKind::kReplay:
      if (facts_.ended || facts_.settled || owned_by_ != PrefixOwner::kThisJob) {
        return absl::OkStatus();
      }
      return absl::FailedPreconditionError(
          absl::StrCat("'", found.id, "' is taken over by each recovery of the job, which is ",
                       facts_.job_state));
    case TransactionKind::kOwed:
      return absl::FailedPreconditionError(
          absl::StrCat("epoch ", FindOwed(found.id)->owner.value(),
                       " is owned and has no receipt: it needs transaction '", found.id, "'"));
    case TransactionKind::kCurrent:
      return absl::FailedPreconditionError(
          absl::StrCat("'", found.id, "' is of the newest generation of the job, which is ",
                       facts_.job_state, ": its writer or the next recovery decides"));
    case TransactionKind::kUndecided:
      return absl::FailedPreconditionError(
          absl::StrCat("'", found.id, "' may be of a generation that is starting; ask again"));
    case TransactionKind::kStray:
    case TransactionKind::kIdle:
      return CheckStray(found);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the transactional id prefix '", prefix_, "' belongs to job ", owner_->job,
                   " of cluster '", owner_->cluster, "', which is not known to have ended"));
}

absl::Status TransactionJudgement::CheckStray(const FoundTransaction& found) const {
  const bool starting = !facts_.ended && !facts_.settled && facts_.running.empty();
  if (starting && owned_by_ == PrefixOwner::kThisJob) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", facts_.identity.job.value(), " is ", facts_.job_state,
                     ": its recovery ends such transactions itself; ask again when it runs"));
  }
  // The facts are older than the record: they may lack an epoch that came to be owned.
  if (running_fence_.has_value() && *running_fence_ != *newest_fence_) {
    return absl::FailedPreconditionError(absl::StrCat("another generation of job ",
                                                      facts_.identity.job.value(),
                                                      " has started meanwhile; ask again"));
  }
  for (const TopicPartition& partition : found.described.partitions) {
    if (partition.topic == topic_ || partition.topic == "__consumer_offsets") continue;
    return absl::FailedPreconditionError(
        absl::StrCat("transaction '", found.id, "' writes to topic '", partition.topic,
                     "', and the owner record that would say whose it is was looked up at topic '",
                     topic_, "'"));
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka

#include "connectors/kafka/transactional/sink_ownership.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transactional_id.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kTransactionTimeout = absl::Minutes(1);

}  // namespace

SinkOwnership::SinkOwnership(Options options, TransactionClient& client)
    : options_(std::move(options)), client_(client) {}

absl::StatusOr<SinkOwnership::Records> SinkOwnership::TakeOver() {
  // From here on whoever else tries is fenced by us, or we by them: only then is the record read.
  WEIR_ASSIGN_OR_RETURN(producer_, client_.InitProducerId(OwnerId(options_.prefix),
                                                          kTransactionTimeout, options_.timeout));
  return Read();
}

absl::StatusOr<SinkOwnership::Records> SinkOwnership::Read() {
  WEIR_ASSIGN_OR_RETURN(const auto offsets,
                        client_.FetchGroupOffsets(OwnerId(options_.prefix), {}, options_.timeout));
  Records records;
  for (const auto& [partition, offset] : offsets) {
    if (offset.kind == GroupOffset::Kind::kUnstable) {
      return WithFailurePolicy(
          absl::UnavailableError(absl::StrCat("the owner record of the transactional id prefix '",
                                              options_.prefix, "' is being written")),
          FailurePolicy::kRestartJob);
    }
    WEIR_ASSIGN_OR_RETURN(OwnerRecord record, DecodeRecord(partition.topic, offset.metadata));
    if (partition.topic == options_.topic) {
      records.here = std::move(record);
    } else {
      records.elsewhere[partition.topic] = std::move(record);
    }
  }
  return records;
}

absl::StatusOr<OwnerRecord> SinkOwnership::DecodeRecord(const std::string& topic,
                                                        const std::string& metadata) const {
  absl::StatusOr<OwnerRecord> record = OwnerRecord::Decode(metadata);
  if (record.ok()) return record;
  return absl::FailedPreconditionError(
      absl::StrCat("the owner record of the transactional id prefix '", options_.prefix,
                   "', which is the offset of group '", OwnerId(options_.prefix), "' for topic '",
                   topic, "', partition 0, cannot be read: ", record.status().message(),
                   "; if no job has the prefix, 'submit --take-over' (or 'run') writes it anew"));
}

absl::Status SinkOwnership::CheckMayTake(const Records& records,
                                         const SinkRecovery& recovery) const {
  if (records.here.has_value()) {
    WEIR_RETURN_IF_ERROR(CheckMayTakeOne(*records.here, recovery));
  }
  const SinkIdentity& me = recovery.identity;
  for (const auto& [topic, record] : records.elsewhere) {
    const bool mine = record.cluster == me.cluster && record.job == me.job.value();
    if (mine && !record.released && record.generation == recovery.generation.value()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the transactional id prefix '", options_.prefix,
                       "' is that of this job's sink for topic '", topic,
                       "', too; each sink needs a prefix of its own (TransactionalIdPrefix)"));
    }
    WEIR_RETURN_IF_ERROR(CheckMayTakeOne(record, recovery));
  }
  return absl::OkStatus();
}

absl::Status SinkOwnership::CheckMayTakeOne(const OwnerRecord& record,
                                            const SinkRecovery& recovery) const {
  const SinkIdentity& me = recovery.identity;
  const bool here = record.cluster == me.cluster;
  const bool mine = here && record.job == me.job.value();
  const bool ended = record.released || (here && recovery.ended_jobs.count(record.job) > 0);
  if (mine && record.generation > recovery.generation.value()) {
    return absl::AbortedError(absl::StrCat(
        "generation ", record.generation, " of the job owns the transactional id prefix '",
        options_.prefix, "'; this recovery is of generation ", recovery.generation.value()));
  }
  if (mine || ended) return absl::OkStatus();
  if (!recovery.take_over) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the transactional id prefix '", options_.prefix, "' belongs to job ", record.job,
        " of cluster '", record.cluster,
        "', which is not known to have ended; each sink needs a prefix of its own "
        "(TransactionalIdPrefix); 'submit --take-over' (or 'run') takes it from that job, "
        "with what it has not committed"));
  }
  LogWarning("a transactional id prefix is taken from another job", {{"prefix", options_.prefix},
                                                                     {"job", record.job},
                                                                     {"cluster", record.cluster},
                                                                     {"fence", record.fence}});
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SinkOwnership::Acquire(const SinkRecovery& recovery) {
  // Who is refused must not fence the owner. Anything else is found out below, for certain.
  const absl::StatusOr<Records> before = Read();
  if (absl::IsDeadlineExceeded(before.status()) || absl::IsCancelled(before.status())) {
    return before.status();
  }
  if (before.ok()) WEIR_RETURN_IF_ERROR(CheckMayTake(*before, recovery));
  absl::StatusOr<Records> found = TakeOver();
  if (recovery.take_over && absl::IsFailedPrecondition(found.status())) {
    LogWarning("an owner record is overwritten", {{"reason", found.status()}});
    found = Records();
  }
  WEIR_RETURN_IF_ERROR(found.status());
  WEIR_RETURN_IF_ERROR(CheckMayTake(*found, recovery));
  uint64_t fence = found->here.has_value() ? found->here->fence : 0;
  for (const auto& [topic, record] : found->elsewhere) fence = std::max(fence, record.fence);
  elsewhere_ = std::move(found->elsewhere);
  record_.cluster = recovery.identity.cluster;
  record_.job = recovery.identity.job.value();
  record_.generation = recovery.generation.value();
  return fence;
}

absl::Status SinkOwnership::Raise(uint64_t fence) {
  record_.fence = fence;
  return Write();
}

absl::Status SinkOwnership::Release() {
  if (!producer_.has_value()) {
    WEIR_ASSIGN_OR_RETURN(const Records records, TakeOver());
    WEIR_RETURN_IF_ERROR(CheckStillOwn(records.here));
  }
  record_.released = true;
  return Write();
}

absl::Status SinkOwnership::Renew(const SinkIdentity& me, const WriterInstructions& mine) {
  WEIR_ASSIGN_OR_RETURN(const Records records, TakeOver());
  const std::optional<OwnerRecord>& record = records.here;
  record_.cluster = me.cluster;
  record_.job = me.job.value();
  record_.fence = mine.fence;
  record_.generation = mine.generation;
  if (mine.generation == 0 && record.has_value()) record_.generation = record->generation;
  WEIR_RETURN_IF_ERROR(CheckStillOwn(record));
  return Write();
}

absl::Status SinkOwnership::CheckStillOwn(const std::optional<OwnerRecord>& record) const {
  if (!record.has_value() || *record == record_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the transactional id prefix '", options_.prefix, "' was fence ", record_.fence,
                   " of job ", record_.job, "'s, and is fence ", record->fence, " of job ",
                   record->job, " of cluster '", record->cluster, "' by now"));
}

WriteOffsetAnswer SinkOwnership::WriteRecord(const std::string& topic, const OwnerRecord& record) {
  const std::string id = OwnerId(options_.prefix);
  const TransactionOffset offset{
      id, {topic, 0}, static_cast<int64_t>(record.fence), record.Encode()};
  return client_.WriteOffset(id, *producer_, offset, options_.timeout);
}

absl::Status SinkOwnership::Write() {
  const std::string id = OwnerId(options_.prefix);
  WriteOffsetAnswer written = WriteRecord(options_.topic, record_);
  WEIR_RETURN_IF_ERROR(written.detail);
  int unanswered = written.unanswered_requests;
  // Who had the prefix for another topic reads a higher fence than its own there, too.
  for (auto& [topic, record] : elsewhere_) {
    if (std::exchange(record.released, true)) continue;
    record.fence = record_.fence;
    written = WriteRecord(topic, record);
    if (absl::IsNotFound(written.detail)) continue;  // the topic is gone, and the record with it
    WEIR_RETURN_IF_ERROR(written.detail);
    unanswered += written.unanswered_requests;
  }
  const EndTransactionAnswer committed =
      client_.EndTransaction(id, *producer_, TransactionResult::kCommit, options_.timeout);
  WEIR_RETURN_IF_ERROR(committed.detail);
  if (unanswered + committed.unanswered_requests == 0) return absl::OkStatus();
  // What was repeated may come late: it would open another transaction, or write this record over
  // the next one. So its pair is fenced; whose the record is by then, the next call finds out.
  producer_.reset();
  return client_.InitProducerId(id, kTransactionTimeout, options_.timeout).status();
}

}  // namespace weir::kafka

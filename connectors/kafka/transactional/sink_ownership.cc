#include "connectors/kafka/transactional/sink_ownership.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transactional_id.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kTransactionTimeout = absl::Minutes(1);

// An owner's transaction holds an offset and no record.
class NoDeliveries final : public TransactionDeliveryListener {
 public:
  void OnDelivered(const DeliveredRun&) override {}
  void OnFailed(size_t, const absl::Status&) override {}
};

}  // namespace

SinkOwnership::SinkOwnership(Options options, const KafkaClientFactory& clients,
                             TransactionClient& inquiry)
    : options_(std::move(options)), clients_(clients), inquiry_(inquiry) {}

absl::StatusOr<std::optional<OwnerRecord>> SinkOwnership::TakeOver() {
  TransactionalProducerOptions producer;
  producer.configuration = options_.configuration;
  producer.configuration.values["transactional.id"] = OwnerId(options_.prefix);
  producer.configuration.values["transaction.timeout.ms"] =
      absl::StrCat(absl::ToInt64Milliseconds(kTransactionTimeout));
  // librdkafka wants both below the transaction's time-out.
  producer.configuration.values["delivery.timeout.ms"] = "30000";
  producer.configuration.values["socket.timeout.ms"] = "10000";
  producer.topic = options_.topic;
  producer.wakeup = [] {};
  producer.cancelled = std::make_shared<std::atomic<bool>>(false);
  WEIR_ASSIGN_OR_RETURN(producer_, clients_.MakeTransactionalProducer(std::move(producer)));
  // From here on whoever else tries is fenced by us, or we by them: only then is the record read.
  WEIR_RETURN_IF_ERROR(producer_->Init(options_.timeout));
  WEIR_ASSIGN_OR_RETURN(
      const GroupOffset found,
      inquiry_.FetchOffset(OwnerId(options_.prefix), {options_.topic, 0}, {}, options_.timeout));
  if (found.kind == GroupOffset::Kind::kUnstable) {
    return absl::UnavailableError(absl::StrCat("the owner record of the transactional id prefix '",
                                               options_.prefix, "' is being written"));
  }
  if (found.kind == GroupOffset::Kind::kAbsent) return std::optional<OwnerRecord>();
  WEIR_ASSIGN_OR_RETURN(OwnerRecord record, OwnerRecord::Decode(found.metadata));
  return std::optional<OwnerRecord>(std::move(record));
}

absl::StatusOr<uint64_t> SinkOwnership::Acquire(const SinkRecovery& recovery) {
  const SinkIdentity& me = recovery.identity;
  const Generation generation = recovery.generation;
  WEIR_ASSIGN_OR_RETURN(const std::optional<OwnerRecord> record, TakeOver());
  uint64_t fence = 0;
  if (record.has_value()) {
    fence = record->fence;
    const bool mine = record->cluster == me.cluster && record->job == me.job.value();
    const bool ended = record->released || (record->cluster == me.cluster &&
                                            recovery.ended_jobs.count(record->job) > 0);
    if (mine && record->generation > generation.value()) {
      return absl::AbortedError(absl::StrCat(
          "generation ", record->generation, " of the job owns the transactional id prefix '",
          options_.prefix, "'; this recovery is of generation ", generation.value()));
    }
    if (!mine && !ended && !recovery.take_over) {
      return absl::FailedPreconditionError(
          absl::StrCat("the transactional id prefix '", options_.prefix, "' belongs to job ",
                       record->job, " of cluster '", record->cluster,
                       "', which is not known to have ended; each sink needs a prefix of its own "
                       "(TransactionalIdPrefix); 'weir submit --take-over' takes it from that job, "
                       "with what it has not committed"));
    }
    if (!mine && !ended) {
      LogWarning("a transactional id prefix is taken from another job",
                 {{"prefix", options_.prefix},
                  {"job", record->job},
                  {"cluster", record->cluster},
                  {"fence", record->fence}});
    }
  }
  record_.cluster = me.cluster;
  record_.job = me.job.value();
  record_.generation = generation.value();
  return fence;
}

absl::Status SinkOwnership::Raise(uint64_t fence) {
  record_.fence = fence;
  return Write();
}

absl::Status SinkOwnership::Release() {
  if (producer_ == nullptr) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<OwnerRecord> record, TakeOver());
    WEIR_RETURN_IF_ERROR(CheckStillOwn(record));
  }
  record_.released = true;
  return Write();
}

absl::Status SinkOwnership::Renew(const SinkIdentity& me, uint64_t fence) {
  WEIR_ASSIGN_OR_RETURN(const std::optional<OwnerRecord> record, TakeOver());
  record_.cluster = me.cluster;
  record_.job = me.job.value();
  record_.fence = fence;
  if (record.has_value()) record_.generation = record->generation;
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

absl::Status SinkOwnership::Write() {
  NoDeliveries listener;
  WEIR_RETURN_IF_ERROR(producer_->Begin(listener));
  MarkerOffset offset;
  offset.group = OwnerId(options_.prefix);
  offset.offset = static_cast<int64_t>(record_.fence);
  offset.metadata = record_.Encode();
  WEIR_RETURN_IF_ERROR(producer_->WriteMarker(offset, options_.timeout));
  WEIR_ASSIGN_OR_RETURN(const CommitAnswer answer, producer_->Commit(options_.timeout));
  // What was repeated may come late: it would write this record over the next one.
  if (answer.repeated) producer_.reset();
  return absl::OkStatus();
}

}  // namespace weir::kafka

#include "connectors/kafka/transactional/transaction_outcomes.h"

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kMarkerPause = absl::Milliseconds(20);

}  // namespace

TransactionOutcomes::TransactionOutcomes(TransactionClient& client, RetryWait& wait,
                                         const Clock& clock, absl::Duration timeout)
    : client_(client), wait_(wait), clock_(clock), timeout_(timeout) {}

absl::StatusOr<TransactionOutcome> TransactionOutcomes::Commit(const Committable& committable) {
  const EndTransactionAnswer answer =
      client_.EndTransaction(committable.transactional_id, committable.marker.producer,
                             TransactionResult::kCommit, timeout_);
  switch (answer.outcome) {
    case EndTransactionOutcome::kDone:
      WEIR_RETURN_IF_ERROR(AwaitCommitted(committable));
      LogInfo("transaction committed",
              {{"id", committable.transactional_id}, {"epoch", committable.marker.epoch}});
      return TransactionOutcome::kCommitted;
    case EndTransactionOutcome::kInvalidTxnState:
    case EndTransactionOutcome::kFenced:
    case EndTransactionOutcome::kUnknownProducerMapping:
      return Read(committable);
    case EndTransactionOutcome::kRefused:
    case EndTransactionOutcome::kNotAnswered:
      break;
  }
  return answer.detail;
}

absl::Status TransactionOutcomes::AwaitCommitted(const Committable& committable) {
  const absl::Duration end = clock_.Monotonic() + timeout_;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const TransactionOutcome outcome, Read(committable));
    if (outcome == TransactionOutcome::kCommitted) return absl::OkStatus();
    if (clock_.Monotonic() >= end || !wait_.Wait(kMarkerPause)) {
      return absl::UnavailableError(absl::StrCat("transaction '", committable.transactional_id,
                                                 "' is committed, but its marker cannot be read "
                                                 "yet"));
    }
  }
}

absl::StatusOr<TransactionOutcome> TransactionOutcomes::Read(const Committable& committable) {
  const absl::Duration end = clock_.Monotonic() + timeout_;
  GroupOffset found;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(found, client_.FetchOffset(committable.transactional_id,
                                                     {committable.topic, 0}, {}, timeout_));
    if (found.kind != GroupOffset::Kind::kUnstable) break;
    if (clock_.Monotonic() >= end || !wait_.Wait(kMarkerPause)) {
      return absl::UnavailableError(
          absl::StrCat("the marker of transaction '", committable.transactional_id,
                       "' is still being written; is a partition of topic '", committable.topic,
                       "' without a leader?"));
    }
  }
  if (found.kind == GroupOffset::Kind::kAbsent) return TransactionOutcome::kUnknown;
  const absl::StatusOr<TransactionMarker> marker = TransactionMarker::Decode(found.metadata);
  if (!marker.ok() || marker->run != committable.marker.run) return TransactionOutcome::kUnknown;
  if (*marker == committable.marker) return TransactionOutcome::kCommitted;
  // A newer one than its own would mean that the id was used again: then nothing is certain.
  return marker->epoch < committable.marker.epoch ? TransactionOutcome::kAborted
                                                  : TransactionOutcome::kUnknown;
}

}  // namespace weir::kafka

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/connector/sink_transactions.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transaction_marker.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// What the brokers say of one transactional id.
struct FoundTransaction {
  std::string id;
  DescribedTransaction described;
  std::optional<TransactionMarker> marker;  // the last committed one, if one of Weir's
};

/// A transaction that an owned epoch without receipt needs.
struct OwedTransaction {
  Epoch owner;  // the owned epoch; the transaction may be of a failed one before it
  Committable committable;
};

enum class TransactionKind {
  kOwner,      // the owner record's id
  kReplay,     // the id of replays
  kForeign,    // of a prefix that another job owns, which is not known to have ended
  kOwed,       // an owned epoch without receipt needs it
  kCurrent,    // of the newest generation
  kStray,      // open, and nobody comes back to it but to end it
  kIdle,       // not open, and of no further use
  kUndecided,  // what is known does not tell
};

/// Who owns a prefix, by its owner record.
enum class PrefixOwner { kNobody, kThisJob, kOtherJob, kEndedJob };

/// Says what a transactional id is to a job: a pure function of what its log says and the brokers
/// answered. docs/protocols/transactions.md.
///
/// The order in which both were looked at matters: first the log, then the owner record, then the
/// transactions. An id whose fence is below the record's is then of a generation that is over, and
/// whatever of it the log owns is among the facts.
class TransactionJudgement {
 public:
  /// `topic`: of the sink. Errors: of Committable and WriterInstructions.
  static absl::StatusOr<TransactionJudgement> Make(const SinkTransactionFacts& facts,
                                                   std::string prefix, std::string topic,
                                                   std::optional<OwnerRecord> owner);

  /// By the id alone.
  bool Names(const std::string& id) const;
  const OwedTransaction* FindOwed(const std::string& id) const;
  /// Is its marker worth a question?
  bool NeedsMarker(const std::string& id, TransactionState state) const;

  TransactionKind KindOf(const FoundTransaction& found) const;
  /// Whether it may be ended, if it is open. FAILED_PRECONDITION: not, and why.
  absl::Status CheckMayEnd(const FoundTransaction& found) const;

  enum class Fate { kOpen, kCommitting, kCommitted, kAborted, kUnknown };
  /// What became of a transaction that is owed; as the committer decides it.
  static Fate FateOf(const OwedTransaction& owed, const FoundTransaction& found);

  const SinkTransactionFacts& facts() const { return facts_; }
  const std::string& prefix() const { return prefix_; }
  const std::string& topic() const { return topic_; }
  const std::optional<OwnerRecord>& owner() const { return owner_; }
  PrefixOwner owned_by() const { return owned_by_; }
  /// Of the newest generation, as far as known.
  std::optional<uint64_t> newest_fence() const { return newest_fence_; }

 private:
  TransactionJudgement() = default;
  bool MayBeOfAJobThatStarts(uint64_t fence) const;
  absl::Status CheckStray(const FoundTransaction& found) const;

  SinkTransactionFacts facts_;
  std::string prefix_;
  std::string topic_;
  std::optional<OwnerRecord> owner_;
  PrefixOwner owned_by_ = PrefixOwner::kNobody;
  std::optional<uint64_t> running_fence_;
  std::optional<uint64_t> newest_fence_;
  std::map<std::string, OwedTransaction> owed_;  // by transactional id
};

}  // namespace weir::kafka

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_offsets.h"
#include "connectors/kafka/wire/record_batch_headers.h"

namespace weir::kafka {

/// What a transactional producer is to its coordinator.
struct ProducerIdAndEpoch {
  int64_t producer_id = -1;
  int16_t epoch = -1;
  auto operator<=>(const ProducerIdAndEpoch&) const = default;
};

/// org.apache.kafka.common.requests.TransactionResult.
enum class TransactionResult { kCommit, kAbort };

/// What the coordinator says to EndTxn. Source: TransactionCoordinator.endTransaction of Kafka 3.9
/// for request versions below 5, as measured on 3.9.1 and 4.0.1 (docs/adr/
/// 0003-kafka-transactions-on-the-real-broker.md). The answer is about whatever transaction the
/// pair of producer id and epoch has *now*: a handle that went on to its next transaction has the
/// same pair. While the markers of a decided transaction are being written, every EndTxn of the
/// pair, either way, is answered CONCURRENT_TRANSACTIONS, which is waited for; so is every
/// InitProducerId. Where a partition has no leader that lasts until it has one.
enum class EndTransactionOutcome {
  /// NONE: it is committed (aborted), irrevocably, or was so already by the same epoch. The markers
  /// are still being written: readers see it a little later, and until then a stable FetchOffset
  /// is mostly kUnstable.
  kDone,
  /// INVALID_TXN_STATE: the last transaction of this epoch ended the other way, or there is none.
  kInvalidTxnState,
  /// PRODUCER_FENCED or INVALID_PRODUCER_EPOCH: the epoch is another one. The timeout or an
  /// InitProducerId ended what was open; what had been committed before stays committed.
  kFenced,
  /// INVALID_PRODUCER_ID_MAPPING: the coordinator does not know the id (any more), or knows it with
  /// another producer id.
  kUnknownProducerMapping,
  /// No authorisation (PERMISSION_DENIED), or a code that is none of the above (INTERNAL).
  kRefused,
  /// No verdict: the deadline passed (DEADLINE_EXCEEDED), Cancel was called (CANCELLED), or the
  /// answer was garbage (DATA_LOSS). The transaction may have been ended all the same.
  kNotAnswered,
};

struct EndTransactionAnswer {
  EndTransactionOutcome outcome = EndTransactionOutcome::kNotAnswered;
  /// Requests that may have reached a broker and whose answer never came. While there is one, an
  /// old request may still be queued and be executed at any later time, on whatever transaction
  /// the pair then has: so such a handle is not used again.
  int unanswered_requests = 0;
  /// OK for kDone; otherwise one sentence with the id.
  absl::Status detail;
};

/// An offset of a group that a transaction writes.
struct TransactionOffset {
  std::string group;
  TopicPartition partition;
  int64_t offset = 0;
  std::string metadata;
};

struct WriteOffsetAnswer {
  /// As in EndTransactionAnswer: a late one would put this offset into a later transaction.
  int unanswered_requests = 0;
  /// OK when the offset is part of the transaction.
  absl::Status detail;
};

/// kafka.coordinator.transaction.TransactionState.
enum class TransactionState {
  kUnknown,  // a name that this client does not know
  kEmpty,
  kOngoing,
  kPrepareCommit,
  kPrepareAbort,
  kCompleteCommit,
  kCompleteAbort,
  kDead,
  kPrepareEpochFence,
};

/// "Ongoing", as Kafka writes it; kUnknown: "Unknown".
std::string TransactionStateName(TransactionState state);
TransactionState ParseTransactionState(const std::string& name);
/// Open, or on its way to an end; also one that this client does not know.
bool IsOpen(TransactionState state);

struct ListedTransaction {
  std::string transactional_id;
  int64_t producer_id = -1;
  TransactionState state = TransactionState::kUnknown;
  bool operator==(const ListedTransaction&) const = default;
};

struct DescribedTransaction {
  TransactionState state = TransactionState::kUnknown;
  ProducerIdAndEpoch producer;
  /// When the first partition was added to the last transaction, by the coordinator's clock; absent
  /// before the first one.
  std::optional<absl::Time> start_time;
  absl::Duration timeout;
  /// Of an open transaction; those of groups' markers are in __consumer_offsets.
  std::vector<TopicPartition> partitions;
};

/// What a group has committed for one partition.
struct GroupOffset {
  enum class Kind {
    kAbsent,    // nothing, or it has expired (offsets.retention.minutes)
    kValue,     // the last committed one
    kUnstable,  // only with require_stable: a transaction with a newer one is still open
  };
  Kind kind = Kind::kAbsent;
  int64_t offset = -1;   // of kValue
  std::string metadata;  // of kValue
  bool operator==(const GroupOffset&) const = default;
};

struct PartitionOffsets {
  int64_t log_start_offset = 0;    // the first that retention has left
  int64_t high_watermark = 0;      // behind the last record that readers may see
  int64_t last_stable_offset = 0;  // behind the last that is below every open transaction
  bool operator==(const PartitionOffsets&) const = default;
};

struct RecordBatchRange {
  std::vector<RecordBatchHeader> headers;  // in order of their offsets
  PartitionOffsets offsets;                // as of before the first fetch
};

/// What the sink's committer needs of Kafka besides producing: to end transactions whose producer
/// is gone, to fence, to list, and to find out what became of them.
///
/// Every call blocks until there is an answer or `timeout` has passed: brokers and coordinators are
/// looked up, and NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE,
/// CONCURRENT_TRANSACTIONS, NOT_LEADER_OR_FOLLOWER and lost connections are tried again with
/// backoff until then. So calls belong on a BlockingPool.
/// Errors: DEADLINE_EXCEEDED (with the last reason; FailurePolicy::kRestartJob where a broker has
/// answered with one that passes), CANCELLED, PERMISSION_DENIED, UNIMPLEMENTED
/// (the broker lacks the request), DATA_LOSS (an answer that cannot be read), INTERNAL (an error
/// code that the call does not expect). Each is one sentence that names what was asked.
/// Threads: one call at a time; Cancel from any thread.
class TransactionClient {
 public:
  virtual ~TransactionClient() = default;

  /// Ends the transaction that `producer` has open, from outside. Same answer as often as it is
  /// sent, as long as the pair has no newer transaction.
  virtual EndTransactionAnswer EndTransaction(const std::string& transactional_id,
                                              ProducerIdAndEpoch producer, TransactionResult result,
                                              absl::Duration timeout) = 0;

  /// Puts an offset into the transaction that `producer` has open, or opens one with it: the
  /// offset's group is announced to the transaction's coordinator, and the offset written at the
  /// group's. The group needs no consumer. No record may be on its way to a partition that is new
  /// to the transaction, only for the coordinator's sake: it takes one request of a pair at a time.
  /// Not by librdkafka: version 2.0.2 may wait for ever, whatever its timeout, when the group's
  /// coordinator is moving or still being made (rd_kafka_coord_req_fsm gives up after two answers
  /// COORDINATOR_NOT_AVAILABLE, and relies on a broker's going up or down).
  /// Errors further: ABORTED (fenced).
  virtual WriteOffsetAnswer WriteOffset(const std::string& transactional_id,
                                        ProducerIdAndEpoch producer,
                                        const TransactionOffset& offset,
                                        absl::Duration timeout) = 0;

  /// Takes the id over: whatever is open is aborted, the epoch is raised, and so every earlier
  /// holder is fenced. Returns the new pair when the abort is complete (markers written).
  /// The epoch rises by one, or by two when something was open; by more when an answer was lost,
  /// since the request is repeated. Behind 32,766 the producer id changes and the epoch is 0.
  /// A stable FetchOffset afterwards is never kUnstable because of this id.
  /// Errors further: INVALID_ARGUMENT when `transaction_timeout` (milliseconds) exceeds the
  /// broker's transaction.max.timeout.ms; ABORTED when another InitProducerId came in between.
  /// Source: TransactionCoordinator.handleInitProducerId.
  virtual absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string& transactional_id,
                                                            absl::Duration transaction_timeout,
                                                            absl::Duration timeout) = 0;

  /// Of every broker that is alive, those transactions in one of `states` (empty: in any) that this
  /// principal may see, sorted by id. All or an error, never a part: but a coordinator's partition
  /// that is moving meanwhile is listed by neither broker, so an id that must be there is asked for
  /// with DescribeTransactions. kUnknown cannot be asked for.
  /// Source: TransactionStateManager.listTransactionStates.
  virtual absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>& states, absl::Duration timeout) = 0;

  /// By id; an id that the coordinator does not know (TRANSACTIONAL_ID_NOT_FOUND) is left out.
  /// Source: TransactionCoordinator.handleDescribeTransactions.
  virtual absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& transactional_ids, absl::Duration timeout) = 0;

  /// With `require_stable` an offset of a transaction that is open (or whose end is still being
  /// written) is kUnstable: it is returned, not waited for. Without, the last committed one is.
  /// Source: OffsetMetadataManager.fetchOffsets (UNSTABLE_OFFSET_COMMIT).
  struct FetchOffsetOptions {
    bool require_stable = true;
  };
  virtual absl::StatusOr<GroupOffset> FetchOffset(const std::string& group,
                                                  const TopicPartition& partition,
                                                  FetchOffsetOptions options,
                                                  absl::Duration timeout) = 0;

  /// All that the group has, by partition. What is being written for the first time is not in it,
  /// also with `require_stable`.
  /// Source: GroupMetadataManager.getOffsets, OffsetMetadataManager.fetchAllOffsets.
  virtual absl::StatusOr<std::map<TopicPartition, GroupOffset>> FetchGroupOffsets(
      const std::string& group, FetchOffsetOptions options, absl::Duration timeout) = 0;

  /// Errors further: NOT_FOUND when the topic or partition does not exist.
  virtual absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition& partition,
                                                                 absl::Duration timeout) = 0;

  /// The headers of all batches with an offset in [from, to), uncommitted and aborted ones and
  /// control batches included. What retention has removed or nobody has written yet is missing
  /// from the answer without an error: compare with `offsets`.
  /// Errors further: NOT_FOUND as above.
  struct OffsetRange {
    int64_t from = 0;
    int64_t to = 0;
  };
  virtual absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition& partition,
                                                            OffsetRange range,
                                                            absl::Duration timeout) = 0;

  /// Lets the running call and all later ones end with CANCELLED, within one request's timeout.
  virtual void Cancel() = 0;
};

}  // namespace weir::kafka

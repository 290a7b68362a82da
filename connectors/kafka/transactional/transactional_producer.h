#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// Records of one partition that the broker acknowledged, in order.
struct DeliveredRun {
  int32_t partition = 0;
  int64_t first_offset = -1;
  int64_t last_offset = -1;
  size_t messages = 0;
  size_t bytes = 0;       // of keys and values
  uint64_t checksum = 0;  // sum of RecordChecksum, modulo 2^64
};

/// What became of a transaction's records; called on the thread that owns the producer, within its
/// calls.
class TransactionDeliveryListener {
 public:
  virtual ~TransactionDeliveryListener() = default;
  virtual void OnDelivered(const DeliveredRun& run) = 0;
  /// One record. `error` names topic, partition and the broker's reason.
  virtual void OnFailed(size_t bytes, const absl::Status& error) = 0;
};

/// A transactional producer for one topic: one transaction after the other, by one handle with one
/// producer id and epoch.
///
/// Life cycle: made without a connection; Init; then Begin, Produce and Poll, Flush, Commit, and
/// again from Begin. After an error other than DEADLINE_EXCEEDED it is of no use but to
/// be destroyed. Destroying it sends no EndTxn (one that Commit has queued may still go out), and
/// drops what is not delivered.
/// Threads: exactly one owner at a time, handed over from outside with its memory effects: the
/// task's thread while a transaction is OPEN, and to Poll at rest; a pool's thread for the blocking
/// calls Init, Flush and Commit (WARMING, PREPARING, COMMITTING), with Begin and Produce between
/// them. The wake-up comes from any thread, in any state.
/// Errors of all: UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND (no such topic), ABORTED (fenced),
/// INTERNAL; of blocking calls also DEADLINE_EXCEEDED when `timeout` has passed (call again to go
/// on), and CANCELLED within a second of the flag. Each is one sentence.
class KafkaTransactionalProducer {
 public:
  virtual ~KafkaTransactionalProducer() = default;

  /// Begins a transaction. `listener` gets its reports until the next Begin, and lives as long.
  virtual absl::Status Begin(TransactionDeliveryListener& listener) = 0;
  /// Takes messages from the front as long as there is room and returns how many; each is reported
  /// once. INVALID_ARGUMENT for too large a one.
  virtual absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages) = 0;
  /// Hands over the reports that have come.
  virtual absl::Status Poll() = 0;

  /// Takes the transactional id over (which aborts what is open under it, and fences others), and
  /// waits for the topic.
  virtual absl::Status Init(absl::Duration timeout) = 0;
  /// Returns when every record has been reported.
  virtual absl::Status Flush(absl::Duration timeout) = 0;
  /// Commits the open transaction; OK when the coordinator has decided so, irrevocably. One to
  /// which this producer sent no record is not ended.
  virtual absl::Status Commit(absl::Duration timeout) = 0;

  /// An InitProducerId, AddPartitionsToTxn or EndTxn was sent and never answered, so that it was
  /// repeated: the lost one may still be executed, on whatever transaction this handle has then.
  /// So the handle is not used again.
  virtual bool repeated() const = 0;
};

/// What a transactional producer is made with.
struct TransactionalProducerOptions {
  /// With transactional.id and transaction.timeout.ms.
  ClientConfiguration configuration;
  std::string topic;
  /// Poll has something.
  std::function<void()> wakeup;
  /// Set to end blocking calls, for good.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

}  // namespace weir::kafka

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/formats/format.h"
#include "connectors/kafka/kafka_offsets.h"
#include "connectors/kafka/kafka_properties.h"

namespace weir::kafka {

/// See transactional/transactional_producer.h, which includes this header.
class KafkaTransactionalProducer;
/// As above.
struct TransactionalProducerOptions;
/// See transactional/stored_record_reader.h, which includes this header.
class StoredRecordReader;

/// What the connector needs of a Kafka client library, cut into consumer, producer and admin. The
/// real ones are made of librdkafka (rdkafka_*.cc, the only files that include it), tests have
/// their own. Wake-ups are called from any thread; everything else stays on the caller's.

struct PartitionOffset {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
};

/// Names and values, in order; a name may come twice.
using MessageHeaders = std::vector<std::pair<std::string, std::string>>;

/// Views into the client's memory.
struct ConsumedMessage {
  size_t assignment = 0;  // index in the order of Assign
  int64_t offset = 0;
  int64_t timestamp_ms = -1;  // -1: the record has none
  Payload key;
  Payload value;
};

struct ConsumedBatch {
  std::vector<ConsumedMessage> messages;  // in order within each partition
  std::vector<MessageHeaders> headers;    // of each, where the configuration wants them; or empty
};

/// Life cycle: made without a connection; Assign (connects), then the rest; destroyed within about
/// a second even when no broker answers. Threads: one at a time; no call waits for a broker.
class KafkaConsumerClient {
 public:
  virtual ~KafkaConsumerClient() = default;
  /// Adds partitions to what is read, each from its offset. Indices go on counting.
  virtual absl::Status Assign(const std::vector<PartitionOffset>& partitions) = 0;
  /// No longer reads this partition; its index stays taken.
  virtual absl::Status Unassign(size_t assignment) = 0;
  /// Up to `max` messages that are already here; `out` is replaced, and its views are valid until
  /// the next call. Empty means: nothing now, the wake-up will tell.
  /// Errors: those that trying again does not help, naming topic and partition: OUT_OF_RANGE (the
  /// offset is not there any more), NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED, INTERNAL.
  virtual absl::Status Consume(size_t max, ConsumedBatch* out) = 0;
  /// The offset behind everything that Consume returned or skipped (control records, aborted ones,
  /// gaps); -1 as long as nothing is known.
  virtual int64_t Position(size_t assignment) = 0;
  /// The partition's end as the newest fetch told; -1 as long as nothing is known.
  virtual int64_t EndOffset(size_t assignment) = 0;
  /// Commits to the group without waiting; failures are logged and counted.
  virtual void CommitOffsets(const std::vector<PartitionOffset>& offsets) = 0;
  struct CommitCounts {
    int64_t succeeded = 0;
    int64_t failed = 0;
  };
  virtual CommitCounts commit_counts() const = 0;
};

/// Views into the caller's memory; copied by Produce.
struct OutgoingMessage {
  Payload key;
  Payload value;
  int64_t timestamp_ms = 0;  // 0: now
  int32_t partition = -1;    // -1: where its key, or nothing, sends it
  const MessageHeaders* headers = nullptr;
};

/// What became of produced messages; called by KafkaProducerClient::Poll on its thread.
class DeliveryListener {
 public:
  virtual ~DeliveryListener() = default;
  virtual void OnDelivered(uint64_t account, size_t messages, size_t bytes) = 0;
  /// `error` names topic, partition and the broker's reason.
  virtual void OnFailed(uint64_t account, size_t bytes, const absl::Status& error) = 0;
};

/// Sends to one topic. Records with a key go where Java's default partitioner sends them, others to
/// one partition for some milliseconds and then to another ("sticky").
///
/// Life cycle: connects when made; destroying it drops what is not delivered, without waiting.
/// Threads: one at a time; no call waits for a broker. The wake-up says that Poll has something.
class KafkaProducerClient {
 public:
  virtual ~KafkaProducerClient() = default;
  /// Takes messages from the front as long as there is room and returns how many; each is answered
  /// by one report under `account`.
  /// Errors: INVALID_ARGUMENT (too large a message), NOT_FOUND (no such topic), and sticky ones.
  virtual absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages,
                                         uint64_t account) = 0;
  /// Hands over the reports that have come. Errors are sticky: UNAUTHENTICATED, or INTERNAL when
  /// the client cannot go on.
  virtual absl::Status Poll(DeliveryListener& listener) = 0;
  /// The reason when no broker can be reached at present.
  virtual std::optional<std::string> NoBrokerReason() const = 0;
};

/// Asks brokers and waits for the answers.
///
/// Threads: one at a time, of a BlockingPool.
/// Errors: UNAVAILABLE "no Kafka broker answers at ..." after the request timeout; NOT_FOUND,
/// PERMISSION_DENIED, UNAUTHENTICATED; each one sentence. Answers that pass by themselves (a leader
/// is elected, a coordinator loads; or none in time, of a broker that has answered before) are
/// asked for again, of offsets as long as the request timeout, and are UNAVAILABLE with
/// FailurePolicy::kRestartJob then.
class KafkaAdminClient {
 public:
  virtual ~KafkaAdminClient() = default;
  /// Names of all topics that are not Kafka's own, sorted.
  virtual absl::StatusOr<std::vector<std::string>> ListTopics() = 0;
  /// The partitions of a topic, sorted. NOT_FOUND: "Kafka topic 'x' does not exist on brokers b".
  virtual absl::StatusOr<std::vector<int32_t>> Partitions(const std::string& topic) = 0;
  /// One of a topic's own settings, "cleanup.policy" say, as Kafka writes it.
  virtual absl::StatusOr<std::string> TopicSetting(const std::string& topic,
                                                   const std::string& name) = 0;
  using OffsetMap = std::map<TopicPartition, int64_t>;
  /// Of partitions that Partitions has named, here and below: never NOT_FOUND.
  virtual absl::StatusOr<OffsetMap> EarliestOffsets(const std::vector<TopicPartition>& of) = 0;
  /// As isolation.level says.
  virtual absl::StatusOr<OffsetMap> LatestOffsets(const std::vector<TopicPartition>& of) = 0;
  /// Of the first record at or after this time; partitions without one are missing.
  virtual absl::StatusOr<OffsetMap> OffsetsForTime(const std::vector<TopicPartition>& of,
                                                   int64_t timestamp_ms) = 0;
  /// Of the group; partitions where it has committed nothing are missing.
  virtual absl::StatusOr<OffsetMap> CommittedOffsets(const std::vector<TopicPartition>& of) = 0;
};

/// Makes the clients. Immutable and thread-safe.
class KafkaClientFactory {
 public:
  virtual ~KafkaClientFactory() = default;
  /// INVALID_ARGUMENT for a value that the client library refuses; opens no connection.
  virtual absl::Status CheckConfiguration(const ClientConfiguration& configuration) const = 0;
  virtual absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeConsumer(
      const ClientConfiguration& configuration, std::function<void()> wakeup) const = 0;
  virtual absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeProducer(
      const ClientConfiguration& configuration, const std::string& topic,
      std::function<void()> wakeup) const = 0;
  /// Opens no connection.
  virtual absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeTransactionalProducer(
      const TransactionalProducerOptions& options) const = 0;
  virtual absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeAdmin(
      const ClientConfiguration& configuration, absl::Duration request_timeout) const = 0;
  /// Of the configuration, of any kind of client, only what concerns connections counts.
  virtual absl::StatusOr<std::unique_ptr<StoredRecordReader>> MakeRecordReader(
      const ClientConfiguration& configuration) const = 0;
};

}  // namespace weir::kafka

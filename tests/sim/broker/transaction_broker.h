#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/base/random.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "tests/sim/broker/group_offset_store.h"
#include "tests/sim/broker/partition_log.h"
#include "tests/sim/broker/transaction_coordinator.h"

namespace weir::sim {

/// A transaction at the moment of its decision.
struct DecidedTransaction {
  std::string id;
  kafka::ProducerIdAndEpoch producer;
  kafka::TransactionResult result = kafka::TransactionResult::kAbort;
  bool timed_out = false;  // aborted by its timeout
  bool fenced = false;     // aborted by a take-over of its id
  std::map<kafka::TopicPartition, std::vector<ReadRecord>> records;
  std::vector<PendingOffset> offsets;
};

/// A model of Kafka's brokers as far as transactions go: partitions, groups' offsets, coordinators,
/// and who of them can be reached. Every method is one request, executed at once, and answers with
/// an error code, as docs/adr/0003-kafka-transactions-on-the-real-broker.md has it. The way there
/// and back, and what gets lost on it, is BrokerLink's.
///
/// What brokers do by themselves (write markers, abort what timed out) is done when somebody asks
/// next, or Advance is called, in the order of its times.
/// Threads: one at a time.
class TransactionBroker {
 public:
  static constexpr char kOffsetsTopic[] = "__consumer_offsets";
  static constexpr int32_t kOffsetsPartitions = 3;
  static constexpr size_t kCoordinators = 3;

  struct Options {
    std::function<absl::Duration()> now;
    Random* random = nullptr;  // outlives it
    absl::Duration max_marker_delay = absl::Milliseconds(4);
    absl::Duration max_transaction_timeout = absl::Minutes(15);
    /// Told of every decision, before anybody can see it.
    std::function<void(const DecidedTransaction&)> on_decided = [](const DecidedTransaction&) {};
  };
  explicit TransactionBroker(Options options);

  void CreateTopic(const std::string& topic, int32_t partitions);
  /// 0: there is no such topic.
  int32_t Partitions(const std::string& topic) const;

  // Requests of transactional producers.
  kafka::KafkaError InitProducerId(const std::string& id, absl::Duration transaction_timeout,
                                   kafka::ProducerIdAndEpoch* producer);
  kafka::KafkaError AddPartitions(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                  const std::vector<kafka::TopicPartition>& partitions);
  kafka::KafkaError Produce(const std::string& id, kafka::ProducerIdAndEpoch producer,
                            const kafka::TopicPartition& partition, int32_t sequence,
                            const std::vector<LoggedRecord>& records, int64_t* first_offset);
  kafka::KafkaError CommitOffset(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                 const PendingOffset& offset);
  kafka::KafkaError EndTransaction(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                   kafka::TransactionResult result);
  /// The partition of __consumer_offsets that has a group's offsets.
  static kafka::TopicPartition OffsetsPartition(const std::string& group);

  // Questions.
  kafka::KafkaError List(std::vector<kafka::ListedTransaction>* listed);
  /// TRANSACTIONAL_ID_NOT_FOUND for an id that nobody used.
  kafka::KafkaError Describe(const std::string& id, kafka::DescribedTransaction* described);
  kafka::KafkaError FetchGroupOffsets(const std::string& group,
                                      kafka::TransactionClient::FetchOffsetOptions options,
                                      std::map<kafka::TopicPartition, kafka::GroupOffset>* all);
  kafka::KafkaError FetchOffset(const std::string& group, const kafka::TopicPartition& partition,
                                kafka::TransactionClient::FetchOffsetOptions options,
                                kafka::GroupOffset* offset);
  /// The log of a partition, if it has a leader.
  kafka::KafkaError Log(const kafka::TopicPartition& partition, PartitionLog** log);

  // Faults.
  /// Coordinators of transactional ids: they move, or load, until then. Coordinator numbers are
  /// below kCoordinators.
  void TakeCoordinatorAway(size_t coordinator, absl::Duration until);
  /// Also a partition of __consumer_offsets, which is the group coordinator of its groups.
  void TakeLeaderAway(const kafka::TopicPartition& partition, absl::Duration until);
  void Heal();

  void Advance();
  /// What there really is, for checkers.
  const TransactionCoordinator& transactions() const { return coordinator_; }
  const std::map<kafka::TopicPartition, PartitionLog>& partitions() const { return logs_; }

 private:
  static size_t CoordinatorOf(const std::string& id);
  kafka::KafkaError CoordinatorError(const std::string& id);
  bool HasLeader(const kafka::TopicPartition& partition) const;
  void OnDecided(const std::string& id, const TransactionMetadata& metadata);
  void WriteMarker(const std::string& id, const kafka::TopicPartition& partition);

  const Options options_;
  TransactionCoordinator coordinator_;
  std::map<kafka::TopicPartition, PartitionLog> logs_;
  std::map<std::string, int32_t> topics_;
  std::map<int32_t, GroupOffsetStore> groups_;  // by partition of __consumer_offsets
  std::map<size_t, absl::Duration> coordinator_away_;
  std::map<kafka::TopicPartition, absl::Duration> leader_away_;
};

}  // namespace weir::sim

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"

#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::sim {

/// What the coordinators know of one transactional id.
struct TransactionMetadata {
  kafka::ProducerIdAndEpoch producer;
  kafka::TransactionState state = kafka::TransactionState::kEmpty;
  absl::Duration timeout;
  std::optional<absl::Duration> started;  // of the last transaction, by the broker's clock
  // How that one was aborted; neither: by EndTxn.
  bool timed_out = false;
  bool fenced = false;
  std::set<kafka::TopicPartition> partitions;
  /// While PrepareCommit or PrepareAbort: markers that are not written yet, and when they will be.
  std::map<kafka::TopicPartition, absl::Duration> markers;

  bool preparing() const {
    return state == kafka::TransactionState::kPrepareCommit ||
           state == kafka::TransactionState::kPrepareAbort;
  }
  bool open() const { return preparing() || state == kafka::TransactionState::kOngoing; }
  kafka::TransactionResult result() const {
    return state == kafka::TransactionState::kPrepareCommit ? kafka::TransactionResult::kCommit
                                                            : kafka::TransactionResult::kAbort;
  }
};

/// The states of transactional ids: what the coordinators answer, as measured (docs/adr/
/// 0003-kafka-transactions-on-the-real-broker.md) and as kafka.coordinator.transaction.
/// TransactionCoordinator of Kafka 3.9 has it. Where an id's coordinator is, and whether it can be
/// reached, is TransactionBroker's.
class TransactionCoordinator {
 public:
  static constexpr int16_t kLastEpoch = 32766;

  struct Options {
    absl::Duration max_timeout = absl::Minutes(15);
    /// How long after the decision a partition's marker is written.
    std::function<absl::Duration()> marker_delay;
    /// A transaction is decided: from here on it is committed or aborted, irrevocably.
    std::function<void(const std::string& id, const TransactionMetadata& metadata)> on_decided;
  };
  explicit TransactionCoordinator(Options options) : options_(std::move(options)) {}

  /// CONCURRENT_TRANSACTIONS while something open is being aborted, which the first call starts.
  kafka::KafkaError InitProducerId(const std::string& id, absl::Duration timeout,
                                   absl::Duration now, kafka::ProducerIdAndEpoch* producer);
  kafka::KafkaError AddPartition(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                 const kafka::TopicPartition& partition, absl::Duration now);
  /// Is the partition part of the producer's open transaction? (KIP-890)
  kafka::KafkaError Verify(const std::string& id, kafka::ProducerIdAndEpoch producer,
                           const kafka::TopicPartition& partition) const;
  kafka::KafkaError EndTransaction(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                   kafka::TransactionResult result, absl::Duration now);
  /// Aborts what is open for longer than its timeout.
  void AbortIfTimedOut(const std::string& id, absl::Duration now);
  void MarkerWritten(const std::string& id, const kafka::TopicPartition& partition);

  const TransactionMetadata* Find(const std::string& id) const;
  const std::map<std::string, TransactionMetadata>& all() const { return ids_; }
  /// Ids with an open transaction.
  const std::set<std::string>& open() const { return open_; }

 private:
  kafka::KafkaError Check(const std::string& id, kafka::ProducerIdAndEpoch producer) const;
  void FenceAndAbort(const std::string& id, TransactionMetadata& metadata, absl::Duration now);
  void Decide(const std::string& id, TransactionMetadata& metadata, kafka::TransactionResult result,
              absl::Duration now);

  const Options options_;
  int64_t next_producer_id_ = 1000;
  std::map<std::string, TransactionMetadata> ids_;
  std::set<std::string> open_;
};

}  // namespace weir::sim

#include "tests/sim/broker/transaction_coordinator.h"

#include "common/base/check.h"

namespace weir::sim {

using kafka::KafkaError;
using kafka::ProducerIdAndEpoch;
using kafka::TransactionResult;
using kafka::TransactionState;

const TransactionMetadata* TransactionCoordinator::Find(const std::string& id) const {
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : &found->second;
}

KafkaError TransactionCoordinator::Check(const std::string& id, ProducerIdAndEpoch producer) const {
  const TransactionMetadata* metadata = Find(id);
  if (metadata == nullptr || metadata->producer.producer_id != producer.producer_id) {
    return KafkaError::kInvalidProducerIdMapping;
  }
  if (metadata->producer.epoch != producer.epoch) return KafkaError::kProducerFenced;
  return metadata->preparing() ? KafkaError::kConcurrentTransactions : KafkaError::kNone;
}

KafkaError TransactionCoordinator::InitProducerId(const std::string& id, absl::Duration timeout,
                                                  absl::Duration now,
                                                  ProducerIdAndEpoch* producer) {
  if (timeout <= absl::ZeroDuration() || timeout > options_.max_timeout) {
    return KafkaError::kInvalidTransactionTimeout;
  }
  TransactionMetadata& metadata = ids_[id];
  if (metadata.preparing()) return KafkaError::kConcurrentTransactions;
  if (metadata.state == TransactionState::kOngoing) {
    metadata.fenced = true;
    FenceAndAbort(id, metadata, now);
    return KafkaError::kConcurrentTransactions;
  }
  if (metadata.producer.producer_id < 0 || metadata.producer.epoch >= kLastEpoch) {
    metadata.producer = {next_producer_id_++, 0};
  } else {
    ++metadata.producer.epoch;
  }
  metadata.state = TransactionState::kEmpty;
  metadata.timeout = timeout;
  *producer = metadata.producer;
  return KafkaError::kNone;
}

KafkaError TransactionCoordinator::AddPartition(const std::string& id, ProducerIdAndEpoch producer,
                                                const kafka::TopicPartition& partition,
                                                absl::Duration now) {
  const KafkaError error = Check(id, producer);
  if (error != KafkaError::kNone) return error;
  TransactionMetadata& metadata = ids_.at(id);
  if (metadata.state != TransactionState::kOngoing) {
    metadata.state = TransactionState::kOngoing;
    metadata.started = now;
    metadata.timed_out = metadata.fenced = false;
    open_.insert(id);
  }
  metadata.partitions.insert(partition);
  return KafkaError::kNone;
}

KafkaError TransactionCoordinator::Verify(const std::string& id, ProducerIdAndEpoch producer,
                                          const kafka::TopicPartition& partition) const {
  const KafkaError error = Check(id, producer);
  if (error != KafkaError::kNone) return error;
  const TransactionMetadata& metadata = ids_.at(id);
  const bool part =
      metadata.state == TransactionState::kOngoing && metadata.partitions.count(partition) > 0;
  return part ? KafkaError::kNone : KafkaError::kInvalidTxnState;
}

KafkaError TransactionCoordinator::EndTransaction(const std::string& id,
                                                  ProducerIdAndEpoch producer,
                                                  TransactionResult result, absl::Duration now) {
  const KafkaError error = Check(id, producer);
  if (error != KafkaError::kNone) return error;
  TransactionMetadata& metadata = ids_.at(id);
  const bool commit = result == TransactionResult::kCommit;
  switch (metadata.state) {
    case TransactionState::kOngoing:
      Decide(id, metadata, result, now);
      return KafkaError::kNone;
    case TransactionState::kCompleteCommit:
      return commit ? KafkaError::kNone : KafkaError::kInvalidTxnState;
    case TransactionState::kCompleteAbort:
      return commit ? KafkaError::kInvalidTxnState : KafkaError::kNone;
    default:
      return KafkaError::kInvalidTxnState;
  }
}

void TransactionCoordinator::AbortIfTimedOut(const std::string& id, absl::Duration now) {
  TransactionMetadata& metadata = ids_.at(id);
  if (metadata.state == TransactionState::kOngoing && *metadata.started + metadata.timeout < now) {
    metadata.timed_out = true;
    FenceAndAbort(id, metadata, now);
  }
}

// PrepareEpochFence: the abort marker carries the raised epoch, which may be the very last one.
void TransactionCoordinator::FenceAndAbort(const std::string& id, TransactionMetadata& metadata,
                                           absl::Duration now) {
  ++metadata.producer.epoch;
  Decide(id, metadata, TransactionResult::kAbort, now);
}

void TransactionCoordinator::Decide(const std::string& id, TransactionMetadata& metadata,
                                    TransactionResult result, absl::Duration now) {
  metadata.state = result == TransactionResult::kCommit ? TransactionState::kPrepareCommit
                                                        : TransactionState::kPrepareAbort;
  for (const kafka::TopicPartition& partition : metadata.partitions) {
    metadata.markers[partition] = now + options_.marker_delay();
  }
  options_.on_decided(id, metadata);
}

void TransactionCoordinator::MarkerWritten(const std::string& id,
                                           const kafka::TopicPartition& partition) {
  TransactionMetadata& metadata = ids_.at(id);
  WEIR_CHECK(metadata.preparing() && metadata.markers.erase(partition) > 0) << id;
  if (!metadata.markers.empty()) return;
  metadata.state = metadata.state == TransactionState::kPrepareCommit
                       ? TransactionState::kCompleteCommit
                       : TransactionState::kCompleteAbort;
  metadata.partitions.clear();
  open_.erase(id);
}

}  // namespace weir::sim

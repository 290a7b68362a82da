#include "tests/sim/broker/transaction_broker.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/stable_hash.h"

namespace weir::sim {

using kafka::KafkaError;
using kafka::ProducerIdAndEpoch;
using kafka::TopicPartition;

TransactionBroker::TransactionBroker(Options options)
    : options_(std::move(options)),
      coordinator_({options_.max_transaction_timeout,
                    [this] {
                      const auto most = static_cast<uint64_t>(
                          absl::ToInt64Microseconds(options_.max_marker_delay));
                      return absl::Microseconds(options_.random->Below(most + 1));
                    },
                    [this](const std::string& id, const TransactionMetadata& metadata) {
                      OnDecided(id, metadata);
                    }}) {}

void TransactionBroker::CreateTopic(const std::string& topic, int32_t partitions) {
  topics_[topic] = partitions;
  for (int32_t i = 0; i < partitions; ++i) logs_[{topic, i}];
}

int32_t TransactionBroker::Partitions(const std::string& topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? 0 : found->second;
}

size_t TransactionBroker::CoordinatorOf(const std::string& id) {
  return StableHash64(id) % kCoordinators;
}

TopicPartition TransactionBroker::OffsetsPartition(const std::string& group) {
  return {kOffsetsTopic, static_cast<int32_t>(StableHash64(group) % kOffsetsPartitions)};
}

// Both are tried again at the place that FindCoordinator names next.
KafkaError TransactionBroker::CoordinatorError(const std::string& id) {
  Advance();
  const auto away = coordinator_away_.find(CoordinatorOf(id));
  if (away == coordinator_away_.end() || away->second <= options_.now()) return KafkaError::kNone;
  return options_.random->Below(2) == 0 ? KafkaError::kNotCoordinator
                                        : KafkaError::kCoordinatorLoadInProgress;
}

bool TransactionBroker::HasLeader(const TopicPartition& partition) const {
  const auto away = leader_away_.find(partition);
  return away == leader_away_.end() || away->second <= options_.now();
}

KafkaError TransactionBroker::InitProducerId(const std::string& id,
                                             absl::Duration transaction_timeout,
                                             ProducerIdAndEpoch* producer) {
  const KafkaError error = CoordinatorError(id);
  if (error != KafkaError::kNone) return error;
  return coordinator_.InitProducerId(id, transaction_timeout, options_.now(), producer);
}

KafkaError TransactionBroker::AddPartitions(const std::string& id, ProducerIdAndEpoch producer,
                                            const std::vector<TopicPartition>& partitions) {
  KafkaError error = CoordinatorError(id);
  for (const TopicPartition& partition : partitions) {
    if (error != KafkaError::kNone) return error;
    error = coordinator_.AddPartition(id, producer, partition, options_.now());
  }
  return error;
}

KafkaError TransactionBroker::Produce(const std::string& id, ProducerIdAndEpoch producer,
                                      const TopicPartition& partition, int32_t sequence,
                                      const std::vector<LoggedRecord>& records,
                                      int64_t* first_offset) {
  PartitionLog* log = nullptr;
  KafkaError error = Log(partition, &log);
  if (error != KafkaError::kNone) return error;
  // The first batch of a transaction here is verified with the coordinator; the others rely on it.
  if (!log->HasOpenTransaction(producer.producer_id)) {
    error = CoordinatorError(id);
    if (error == KafkaError::kNone) error = coordinator_.Verify(id, producer, partition);
    if (error == KafkaError::kConcurrentTransactions) error = KafkaError::kInvalidTxnState;
    if (error != KafkaError::kNone) return error;
  }
  return log->Append(producer, sequence, records, first_offset);
}

KafkaError TransactionBroker::CommitOffset(const std::string& id, ProducerIdAndEpoch producer,
                                           const PendingOffset& offset) {
  Advance();
  const TopicPartition partition = OffsetsPartition(offset.group);
  if (!HasLeader(partition)) return KafkaError::kNotCoordinator;
  GroupOffsetStore& group = groups_[partition.partition];
  // As of records: what is the first here is verified, and the rest relies on it, until the
  // marker is written.
  if (!group.HasOpenTransaction(producer)) {
    KafkaError error = CoordinatorError(id);
    if (error == KafkaError::kNone) error = coordinator_.Verify(id, producer, partition);
    if (error != KafkaError::kNone) return error;
  }
  group.Write(producer, offset);
  return KafkaError::kNone;
}

KafkaError TransactionBroker::EndTransaction(const std::string& id, ProducerIdAndEpoch producer,
                                             kafka::TransactionResult result) {
  const KafkaError error = CoordinatorError(id);
  if (error != KafkaError::kNone) return error;
  return coordinator_.EndTransaction(id, producer, result, options_.now());
}

// A broker that loads a coordinator's partition refuses the whole list.
KafkaError TransactionBroker::List(std::vector<kafka::ListedTransaction>* listed) {
  Advance();
  listed->clear();
  for (const auto& [id, metadata] : coordinator_.all()) {
    const auto away = coordinator_away_.find(CoordinatorOf(id));
    if (away != coordinator_away_.end() && away->second > options_.now()) {
      return KafkaError::kCoordinatorLoadInProgress;
    }
    listed->push_back({id, metadata.producer.producer_id, metadata.state});
  }
  return KafkaError::kNone;
}

KafkaError TransactionBroker::Describe(const std::string& id,
                                       kafka::DescribedTransaction* described) {
  const KafkaError error = CoordinatorError(id);
  if (error != KafkaError::kNone) return error;
  const TransactionMetadata* metadata = coordinator_.Find(id);
  if (metadata == nullptr) return KafkaError::kTransactionalIdNotFound;
  *described = {metadata->state, metadata->producer, std::nullopt, metadata->timeout, {}};
  if (metadata->started.has_value()) {
    described->start_time = absl::UnixEpoch() + *metadata->started;
  }
  if (metadata->open()) {
    described->partitions.assign(metadata->partitions.begin(), metadata->partitions.end());
  }
  return KafkaError::kNone;
}

KafkaError TransactionBroker::FetchOffset(const std::string& group, const TopicPartition& partition,
                                          kafka::TransactionClient::FetchOffsetOptions options,
                                          kafka::GroupOffset* offset) {
  Advance();
  const TopicPartition stored = OffsetsPartition(group);
  if (!HasLeader(stored)) return KafkaError::kNotCoordinator;
  *offset = groups_[stored.partition].Fetch(group, partition, options);
  return KafkaError::kNone;
}

KafkaError TransactionBroker::FetchGroupOffsets(
    const std::string& group, kafka::TransactionClient::FetchOffsetOptions options,
    std::map<TopicPartition, kafka::GroupOffset>* all) {
  Advance();
  const TopicPartition stored = OffsetsPartition(group);
  if (!HasLeader(stored)) return KafkaError::kNotCoordinator;
  *all = groups_[stored.partition].FetchAll(group, options);
  return KafkaError::kNone;
}

KafkaError TransactionBroker::Log(const TopicPartition& partition, PartitionLog** log) {
  Advance();
  const auto found = logs_.find(partition);
  if (found == logs_.end()) return KafkaError::kUnknownTopicOrPartition;
  if (!HasLeader(partition)) return KafkaError::kNotLeaderOrFollower;
  *log = &found->second;
  return KafkaError::kNone;
}

void TransactionBroker::TakeCoordinatorAway(size_t coordinator, absl::Duration until) {
  Advance();
  coordinator_away_[coordinator] = std::max(coordinator_away_[coordinator], until);
}

void TransactionBroker::TakeLeaderAway(const TopicPartition& partition, absl::Duration until) {
  Advance();
  leader_away_[partition] = std::max(leader_away_[partition], until);
}

void TransactionBroker::Heal() {
  coordinator_away_.clear();
  leader_away_.clear();
  Advance();
}

void TransactionBroker::Advance() {
  const absl::Duration now = options_.now();
  std::vector<std::tuple<absl::Duration, std::string, TopicPartition>> due;
  const std::set<std::string> open = coordinator_.open();
  for (const std::string& id : open) {
    // What a coordinator does by itself it does when it is there.
    const auto away = coordinator_away_.find(CoordinatorOf(id));
    if (away != coordinator_away_.end() && away->second > now) continue;
    coordinator_.AbortIfTimedOut(id, now);
    for (const auto& [partition, at] : coordinator_.Find(id)->markers) {
      if (at <= now && HasLeader(partition)) due.emplace_back(at, id, partition);
    }
  }
  std::sort(due.begin(), due.end());
  for (const auto& [at, id, partition] : due) WriteMarker(id, partition);
}

void TransactionBroker::WriteMarker(const std::string& id, const TopicPartition& partition) {
  const TransactionMetadata& metadata = *coordinator_.Find(id);
  if (partition.topic == kOffsetsTopic) {
    groups_[partition.partition].Complete(metadata.producer.producer_id, metadata.result());
  } else {
    logs_.at(partition).AppendMarker(metadata.producer, metadata.result());
  }
  coordinator_.MarkerWritten(id, partition);
}

void TransactionBroker::OnDecided(const std::string& id, const TransactionMetadata& metadata) {
  DecidedTransaction decided;
  decided.id = id;
  decided.producer = metadata.producer;
  decided.result = metadata.result();
  decided.timed_out = metadata.timed_out;
  decided.fenced = metadata.fenced;
  for (const TopicPartition& partition : metadata.partitions) {
    if (partition.topic == kOffsetsTopic) {
      for (PendingOffset& offset :
           groups_[partition.partition].Pending(metadata.producer.producer_id)) {
        decided.offsets.push_back(std::move(offset));
      }
    } else {
      decided.records[partition] = logs_.at(partition).OpenRecords(metadata.producer.producer_id);
    }
  }
  options_.on_decided(decided);
}

}  // namespace weir::sim

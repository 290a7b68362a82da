#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/wire/transaction_client.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/broker/transaction_broker.h"

namespace weir::sim {

/// A TransactionClient of the model; broker and link outlive it.
class ModelTransactionClient final : public kafka::TransactionClient {
 public:
  ModelTransactionClient(TransactionBroker& broker, BrokerLink& link)
      : broker_(broker), link_(link), cancelled_(std::make_shared<std::atomic<bool>>(false)) {}

  kafka::EndTransactionAnswer EndTransaction(const std::string& transactional_id,
                                             kafka::ProducerIdAndEpoch producer,
                                             kafka::TransactionResult result,
                                             absl::Duration timeout) override;
  kafka::WriteOffsetAnswer WriteOffset(const std::string& transactional_id,
                                       kafka::ProducerIdAndEpoch producer,
                                       const kafka::TransactionOffset& offset,
                                       absl::Duration timeout) override;
  absl::StatusOr<kafka::ProducerIdAndEpoch> InitProducerId(const std::string& transactional_id,
                                                           absl::Duration transaction_timeout,
                                                           absl::Duration timeout) override;
  absl::StatusOr<std::vector<kafka::ListedTransaction>> ListTransactions(
      const std::vector<kafka::TransactionState>& states, absl::Duration timeout) override;
  absl::StatusOr<std::map<std::string, kafka::DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& transactional_ids, absl::Duration timeout) override;
  absl::StatusOr<std::map<kafka::TopicPartition, kafka::GroupOffset>> FetchGroupOffsets(
      const std::string& group, FetchOffsetOptions options, absl::Duration timeout) override;
  absl::StatusOr<kafka::GroupOffset> FetchOffset(const std::string& group,
                                                 const kafka::TopicPartition& partition,
                                                 FetchOffsetOptions options,
                                                 absl::Duration timeout) override;
  absl::StatusOr<kafka::PartitionOffsets> FetchPartitionOffsets(
      const kafka::TopicPartition& partition, absl::Duration timeout) override;
  absl::StatusOr<kafka::RecordBatchRange> ReadBatchHeaders(const kafka::TopicPartition& partition,
                                                           OffsetRange range,
                                                           absl::Duration timeout) override;
  void Cancel() override { cancelled_->store(true); }

 private:
  BrokerAnswer Do(std::string what, absl::Duration timeout,
                  std::function<kafka::KafkaError()> request);

  TransactionBroker& broker_;
  BrokerLink& link_;
  const std::shared_ptr<std::atomic<bool>> cancelled_;
};

/// OK for NONE; else one sentence in the code that WireTransactionClient gives it.
absl::Status StatusOfAnswer(const BrokerAnswer& answer, const std::string& what);

}  // namespace weir::sim

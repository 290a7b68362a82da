#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/exec/retry_wait.h"
#include "common/time/clock.h"
#include "connectors/kafka/wire/broker_registry.h"
#include "connectors/kafka/wire/fetch_message.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct WireTransactionClientOptions {
  BrokerRegistryOptions brokers;
  absl::Duration min_backoff = absl::Milliseconds(10);  // doubled by each retry
  absl::Duration max_backoff = absl::Seconds(1);
  /// How long "no such topic" is taken for a broker that has not heard of it yet.
  absl::Duration unknown_topic_grace = absl::Seconds(3);
  int32_t fetch_bytes = 1 << 20;  // a larger batch comes whole all the same
};

/// TransactionClient over Kafka's wire protocol. Connects when first needed; `clock` and `wait`
/// must outlive it.
class WireTransactionClient final : public TransactionClient {
 public:
  WireTransactionClient(const Clock& clock, RetryWait& wait, WireTransactionClientOptions options);

  EndTransactionAnswer EndTransaction(const std::string& transactional_id,
                                      ProducerIdAndEpoch producer, TransactionResult result,
                                      absl::Duration timeout) override;
  WriteOffsetAnswer WriteOffset(const std::string& transactional_id, ProducerIdAndEpoch producer,
                                const TransactionOffset& offset, absl::Duration timeout) override;
  absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string& transactional_id,
                                                    absl::Duration transaction_timeout,
                                                    absl::Duration timeout) override;
  absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>& states, absl::Duration timeout) override;
  absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& transactional_ids, absl::Duration timeout) override;
  absl::StatusOr<std::map<TopicPartition, GroupOffset>> FetchGroupOffsets(
      const std::string& group, FetchOffsetOptions options, absl::Duration timeout) override;
  absl::StatusOr<GroupOffset> FetchOffset(const std::string& group, const TopicPartition& partition,
                                          FetchOffsetOptions options,
                                          absl::Duration timeout) override;
  absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition& partition,
                                                         absl::Duration timeout) override;
  absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition& partition,
                                                    OffsetRange range,
                                                    absl::Duration timeout) override;
  void Cancel() override;

 private:
  // Runs `attempt` until it returns something else than UNAVAILABLE.
  absl::Status Retry(const std::string& what, absl::Duration timeout,
                     const std::function<absl::Status(absl::Duration deadline)>& attempt);
  absl::Status DescribeAt(const BrokerAddress& address, const std::vector<std::string>& ids,
                          absl::Duration deadline,
                          std::map<std::string, std::optional<DescribedTransaction>>& out);
  absl::StatusOr<int64_t> ListOffset(const BrokerAddress& leader, const TopicPartition& partition,
                                     int64_t timestamp, IsolationLevel isolation,
                                     absl::Duration deadline);
  absl::StatusOr<PartitionOffsets> OffsetsNow(const TopicPartition& partition,
                                              absl::Duration deadline);
  // Appends the headers from `next` on, as one Fetch gives them, and moves `next` behind them.
  absl::Status FetchHeaders(const TopicPartition& partition, int64_t& next, int32_t& bytes,
                            absl::Duration deadline, std::vector<RecordBatchHeader>& out);

  const Clock& clock_;
  RetryWait& wait_;
  const WireTransactionClientOptions options_;
  BrokerRegistry brokers_;
};

/// "host:port,host:port" (an IPv6 address in brackets) as addresses. INVALID_ARGUMENT otherwise.
absl::StatusOr<std::vector<BrokerAddress>> ParseBootstrapServers(const std::string& servers);

}  // namespace weir::kafka

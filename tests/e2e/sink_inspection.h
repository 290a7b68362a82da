#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir {

/// What Kafka knows of the transactions of one prefix, asked over the wire.
///
/// Threads: one. Errors of all calls: those of TransactionClient.
class SinkInspection {
 public:
  static absl::StatusOr<std::unique_ptr<SinkInspection>> Connect(
      const std::string& bootstrap_servers, const std::string& topic, const std::string& prefix);

  /// Of the generation that took the prefix last; 0: none.
  absl::StatusOr<uint64_t> Fence();
  /// Ids of the prefix, those of owner and replay too, whose transaction is open.
  absl::StatusOr<std::vector<std::string>> Open();
  /// Those with another fence than the record's.
  absl::StatusOr<std::vector<std::string>> OpenStrays();
  /// NOT_FOUND when the coordinator does not know the id.
  absl::StatusOr<kafka::DescribedTransaction> Describe(const std::string& id);
  /// By partition.
  absl::StatusOr<std::map<int32_t, kafka::PartitionOffsets>> Offsets(const std::string& topic,
                                                                     int partitions);
  /// What a group has committed of a topic; -1: nothing.
  absl::StatusOr<std::map<int32_t, int64_t>> GroupOffsets(const std::string& group,
                                                          const std::string& topic, int partitions);

  kafka::TransactionClient& client() { return *client_; }

 private:
  SinkInspection(std::string topic, std::string prefix)
      : topic_(std::move(topic)), prefix_(std::move(prefix)) {}

  const std::string topic_;
  const std::string prefix_;
  SystemClock clock_;
  std::shared_ptr<kafka::TransactionClient> client_;
};

}  // namespace weir

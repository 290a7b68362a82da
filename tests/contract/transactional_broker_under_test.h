#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "connectors/kafka/transactional/transactional_producer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// Kafka's brokers as the exactly-once sink uses them: real ones, or the simulator's model. The
/// suite holds both to the same answers.
class TransactionalBrokerUnderTest {
 public:
  virtual ~TransactionalBrokerUnderTest() = default;
  virtual TransactionClient& client() = 0;
  /// A transactional producer for one topic, not yet opened.
  virtual std::unique_ptr<KafkaTransactionalProducer> MakeProducer(const std::string& topic,
                                                                   const std::string& id,
                                                                   absl::Duration timeout) = 0;
  /// Two partitions.
  virtual absl::Status CreateTopic(const std::string& topic) = 0;
  /// A record without a transaction.
  virtual absl::Status Append(const TopicPartition& partition, const std::string& value) = 0;
  /// What a reader of committed records gets, partition by partition; it stops after `count`.
  virtual std::vector<std::string> ReadCommitted(const std::string& topic, int64_t count) = 0;
  virtual void Pass(absl::Duration duration) = 0;
  /// One of the partitions of the topic has no leader, until it is brought back. Coordinators of
  /// transactions and groups move.
  virtual absl::Status LoseALeader(const std::string& topic) = 0;
  virtual absl::Status BringLeaderBack() = 0;
};

/// Two ways of getting brokers.
struct TransactionalBrokerKind {
  std::string name;
  std::function<std::unique_ptr<TransactionalBrokerUnderTest>()> shared;
  /// Brokers of one's own, which can lose a leader.
  std::function<std::unique_ptr<TransactionalBrokerUnderTest>()> own;
};
inline void PrintTo(const TransactionalBrokerKind& kind, std::ostream* out) { *out << kind.name; }

}  // namespace weir::kafka

#pragma once

#include <cstdint>
#include <string>

namespace weir::kafka {

/// Error codes in Kafka's answers, those that this client decides by. Source: Kafka's protocol
/// guide, "Error Codes", and org.apache.kafka.common.protocol.Errors (3.9). Others keep their
/// number.
enum class KafkaError : int16_t {
  kUnknownServerError = -1,
  kNone = 0,
  kOffsetOutOfRange = 1,
  kUnknownTopicOrPartition = 3,
  kLeaderNotAvailable = 5,
  kNotLeaderOrFollower = 6,
  kRequestTimedOut = 7,
  kReplicaNotAvailable = 9,
  kNetworkException = 13,
  kCoordinatorLoadInProgress = 14,
  kCoordinatorNotAvailable = 15,
  kNotCoordinator = 16,
  kTopicAuthorizationFailed = 29,
  kGroupAuthorizationFailed = 30,
  kClusterAuthorizationFailed = 31,
  kUnsupportedVersion = 35,
  kInvalidRequest = 42,
  kInvalidProducerEpoch = 47,
  kInvalidTxnState = 48,
  kInvalidProducerIdMapping = 49,
  kInvalidTransactionTimeout = 50,
  kConcurrentTransactions = 51,
  kTransactionalIdAuthorizationFailed = 53,
  kKafkaStorageError = 56,
  kFencedLeaderEpoch = 74,
  kUnknownLeaderEpoch = 75,
  kOffsetNotAvailable = 78,
  kUnstableOffsetCommit = 88,
  kProducerFenced = 90,
  kTransactionalIdNotFound = 105,
};

/// "NOT_COORDINATOR (16)", "error 42".
std::string KafkaErrorText(KafkaError error);

/// Is it about finding the right broker or about its present state, so that the same request may
/// succeed a little later? (Not CONCURRENT_TRANSACTIONS, which only some requests wait for.)
bool IsRetriable(KafkaError error);

}  // namespace weir::kafka

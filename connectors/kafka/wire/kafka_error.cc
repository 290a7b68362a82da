#include "connectors/kafka/wire/kafka_error.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::kafka {
namespace {

constexpr std::array<std::pair<KafkaError, const char*>, 30> kNames = {{
    {KafkaError::kUnknownServerError, "UNKNOWN_SERVER_ERROR"},
    {KafkaError::kNone, "NONE"},
    {KafkaError::kOffsetOutOfRange, "OFFSET_OUT_OF_RANGE"},
    {KafkaError::kUnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION"},
    {KafkaError::kLeaderNotAvailable, "LEADER_NOT_AVAILABLE"},
    {KafkaError::kNotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER"},
    {KafkaError::kRequestTimedOut, "REQUEST_TIMED_OUT"},
    {KafkaError::kReplicaNotAvailable, "REPLICA_NOT_AVAILABLE"},
    {KafkaError::kNetworkException, "NETWORK_EXCEPTION"},
    {KafkaError::kCoordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS"},
    {KafkaError::kCoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE"},
    {KafkaError::kNotCoordinator, "NOT_COORDINATOR"},
    {KafkaError::kTopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED"},
    {KafkaError::kGroupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED"},
    {KafkaError::kClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED"},
    {KafkaError::kUnsupportedVersion, "UNSUPPORTED_VERSION"},
    {KafkaError::kInvalidRequest, "INVALID_REQUEST"},
    {KafkaError::kInvalidProducerEpoch, "INVALID_PRODUCER_EPOCH"},
    {KafkaError::kInvalidTxnState, "INVALID_TXN_STATE"},
    {KafkaError::kInvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING"},
    {KafkaError::kInvalidTransactionTimeout, "INVALID_TRANSACTION_TIMEOUT"},
    {KafkaError::kConcurrentTransactions, "CONCURRENT_TRANSACTIONS"},
    {KafkaError::kTransactionalIdAuthorizationFailed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
    {KafkaError::kKafkaStorageError, "KAFKA_STORAGE_ERROR"},
    {KafkaError::kFencedLeaderEpoch, "FENCED_LEADER_EPOCH"},
    {KafkaError::kUnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH"},
    {KafkaError::kOffsetNotAvailable, "OFFSET_NOT_AVAILABLE"},
    {KafkaError::kUnstableOffsetCommit, "UNSTABLE_OFFSET_COMMIT"},
    {KafkaError::kProducerFenced, "PRODUCER_FENCED"},
    {KafkaError::kTransactionalIdNotFound, "TRANSACTIONAL_ID_NOT_FOUND"},
}};

}  // namespace

std::string KafkaErrorText(KafkaError error) {
  const auto code = static_cast<int16_t>(error);
  for (const auto& [known, name] : kNames) {
    if (known == error) return absl::StrCat(name, " (", code, ")");
  }
  return absl::StrCat("error ", code);
}

bool IsRetriable(KafkaError error) {
  switch (error) {
    case KafkaError::kLeaderNotAvailable:
    case KafkaError::kNotLeaderOrFollower:
    case KafkaError::kRequestTimedOut:
    case KafkaError::kReplicaNotAvailable:
    case KafkaError::kNetworkException:
    case KafkaError::kCoordinatorLoadInProgress:
    case KafkaError::kCoordinatorNotAvailable:
    case KafkaError::kNotCoordinator:
    case KafkaError::kKafkaStorageError:
    case KafkaError::kFencedLeaderEpoch:
    case KafkaError::kUnknownLeaderEpoch:
    case KafkaError::kOffsetNotAvailable:
      return true;
    default:
      return false;
  }
}

}  // namespace weir::kafka

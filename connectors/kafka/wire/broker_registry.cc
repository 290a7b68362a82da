#include "connectors/kafka/wire/broker_registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/failure_policy.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/metadata_message.h"

namespace weir::kafka {

absl::Status StatusFromKafka(int16_t error_code, const std::string& what) {
  const auto error = static_cast<KafkaError>(error_code);
  if (error == KafkaError::kNone) return absl::OkStatus();
  const std::string message = absl::StrCat(what, ": ", KafkaErrorText(error));
  if (IsRetriable(error) || error == KafkaError::kConcurrentTransactions) {
    return WithFailurePolicy(absl::UnavailableError(message), FailurePolicy::kRestartJob);
  }
  switch (error) {
    case KafkaError::kUnknownTopicOrPartition:
      return absl::NotFoundError(message);
    case KafkaError::kTopicAuthorizationFailed:
    case KafkaError::kGroupAuthorizationFailed:
    case KafkaError::kClusterAuthorizationFailed:
    case KafkaError::kTransactionalIdAuthorizationFailed:
      return absl::PermissionDeniedError(message);
    case KafkaError::kInvalidTransactionTimeout:
      return absl::InvalidArgumentError(message);
    case KafkaError::kProducerFenced:
    case KafkaError::kInvalidProducerEpoch:
      return absl::AbortedError(message);
    default:
      return absl::InternalError(message);
  }
}

BrokerRegistry::BrokerRegistry(const Clock& clock, BrokerRegistryOptions options)
    : clock_(clock), options_(std::move(options)), known_(options_.bootstrap) {
  WEIR_CHECK(!known_.empty()) << "no bootstrap servers";
}

absl::Duration BrokerRegistry::RequestDeadline(absl::Duration deadline) const {
  return std::min(deadline, clock_.Monotonic() + options_.request_timeout);
}

absl::StatusOr<WireConnection*> BrokerRegistry::Connection(const BrokerAddress& address,
                                                           absl::Duration deadline) {
  const auto found = connections_.find(address);
  if (found != connections_.end()) {
    if (!found->second->lost()) return found->second.get();
    connections_.erase(found);  // a request into it would count as unanswered
  }
  absl::StatusOr<std::unique_ptr<ByteStream>> stream = options_.connect(address, deadline);
  if (!stream.ok()) return CallError(stream.status(), address);
  auto connection = WireConnection::Open(*std::move(stream), options_.connection, deadline);
  if (!connection.ok()) return CallError(connection.status(), address);
  return connections_.emplace(address, *std::move(connection)).first->second.get();
}

absl::Status BrokerRegistry::CallError(const absl::Status& status,
                                       const BrokerAddress& address) const {
  const absl::Status named =
      Annotate(status, absl::StrCat("Kafka broker ", BrokerAddressText(address)));
  if (!absl::IsDeadlineExceeded(status)) return named;
  return absl::UnavailableError(named.message());
}

template <class Request>
absl::StatusOr<typename Request::Response> BrokerRegistry::CallAny(const Request& request,
                                                                   absl::Duration deadline) {
  absl::Status first_error;
  for (const BrokerAddress& address : std::vector<BrokerAddress>(known_)) {
    auto response = Call(address, request, deadline);
    if (response.ok()) {
      Remember(address);
      return response;
    }
    if (!absl::IsUnavailable(response.status())) return response.status();
    if (first_error.ok()) first_error = response.status();
    if (clock_.Monotonic() >= deadline) break;
  }
  return first_error;
}

void BrokerRegistry::Remember(const BrokerAddress& address) {
  const auto found = std::find(known_.begin(), known_.end(), address);
  if (found != known_.end()) known_.erase(found);
  known_.insert(known_.begin(), address);
}

absl::StatusOr<std::vector<BrokerAddress>> BrokerRegistry::LiveBrokers(absl::Duration deadline) {
  WEIR_ASSIGN_OR_RETURN(const MetadataResponse metadata, CallAny(MetadataRequest(), deadline));
  std::vector<BrokerAddress> brokers;
  for (const MetadataResponse::Broker& broker : metadata.brokers) {
    brokers.push_back({broker.host, broker.port});
  }
  if (brokers.empty()) return absl::UnavailableError("no Kafka broker is alive");
  // Dead ones are forgotten, but for the bootstrap list, which may be all there is after a while.
  std::vector<BrokerAddress> known = brokers;
  for (const BrokerAddress& address : options_.bootstrap) {
    if (std::find(known.begin(), known.end(), address) == known.end()) known.push_back(address);
  }
  known_ = std::move(known);
  return brokers;
}

absl::StatusOr<BrokerAddress> BrokerRegistry::Leader(const TopicPartition& partition,
                                                     absl::Duration deadline) {
  const auto found = leaders_.find(partition);
  if (found != leaders_.end()) return found->second;
  const std::string what = absl::StrCat("leader of partition ", partition.partition,
                                        " of Kafka topic ", partition.topic);
  MetadataRequest request;
  request.topics.emplace().push_back(partition.topic);
  WEIR_ASSIGN_OR_RETURN(const MetadataResponse metadata, CallAny(request, deadline));
  for (const MetadataResponse::Topic& topic : metadata.topics) {
    if (topic.name != partition.topic) continue;
    WEIR_RETURN_IF_ERROR(StatusFromKafka(topic.error_code, what));
    for (const MetadataResponse::Partition& each : topic.partitions) {
      if (each.partition_index != partition.partition) continue;
      // The partition's own error code may be about a replica only.
      for (const MetadataResponse::Broker& broker : metadata.brokers) {
        if (broker.node_id != each.leader_id) continue;
        return leaders_[partition] = {broker.host, broker.port};
      }
      return WithFailurePolicy(
          absl::UnavailableError(absl::StrCat(what, ": there is none at present")),
          FailurePolicy::kRestartJob);
    }
  }
  return absl::NotFoundError(absl::StrCat(what, ": there is no such partition"));
}

absl::StatusOr<BrokerAddress> BrokerRegistry::Coordinator(CoordinatorKeyType type,
                                                          const std::string& key,
                                                          absl::Duration deadline) {
  const auto found = coordinators_.find({type, key});
  if (found != coordinators_.end()) return found->second;
  FindCoordinatorRequest request;
  request.key = key;
  request.key_type = static_cast<int8_t>(type);
  WEIR_ASSIGN_OR_RETURN(const FindCoordinatorResponse response, CallAny(request, deadline));
  WEIR_RETURN_IF_ERROR(StatusFromKafka(response.error_code, absl::StrCat("coordinator of ", key)));
  return coordinators_[{type, key}] = {response.host, response.port};
}

}  // namespace weir::kafka

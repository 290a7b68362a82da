#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/status_macros.h"
#include "common/time/clock.h"
#include "connectors/kafka/kafka_offsets.h"
#include "connectors/kafka/wire/byte_stream.h"
#include "connectors/kafka/wire/find_coordinator_message.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/wire_connection.h"

namespace weir::kafka {

struct BrokerRegistryOptions {
  std::vector<BrokerAddress> bootstrap;  // at least one
  ByteStreamConnector connect;
  WireConnectionOptions connection;
  absl::Duration request_timeout = absl::Seconds(10);  // of one request, or one connection attempt
};

/// An error code of an answer as a status by BrokerRegistry's rule; NONE is OK. `what` is the whole
/// sentence but for the code. UNAVAILABLE has FailurePolicy::kRestartJob: a broker is there, and
/// what it says passes.
absl::Status StatusFromKafka(int16_t error_code, const std::string& what);

/// The brokers of one cluster: a connection to each that was needed, and who leads or coordinates
/// what, remembered until somebody finds that it is no longer true.
///
/// Errors: UNAVAILABLE for everything that trying again may mend (unreachable, timed out, an
/// election is going on); NOT_FOUND (no such topic or partition), PERMISSION_DENIED,
/// UNIMPLEMENTED, DATA_LOSS. A connection that failed is replaced by the next call.
/// Deadlines are times of Clock::Monotonic(). Threads: one at a time. `clock` must outlive it.
class BrokerRegistry {
 public:
  BrokerRegistry(const Clock& clock, BrokerRegistryOptions options);

  /// Looks up with one request if it is not known.
  absl::StatusOr<BrokerAddress> Leader(const TopicPartition& partition, absl::Duration deadline);
  absl::StatusOr<BrokerAddress> Coordinator(CoordinatorKeyType type, const std::string& key,
                                            absl::Duration deadline);
  /// All that are alive now, always asked anew.
  absl::StatusOr<std::vector<BrokerAddress>> LiveBrokers(absl::Duration deadline);

  void RememberLeader(const TopicPartition& partition, const BrokerAddress& leader) {
    leaders_[partition] = leader;
  }
  void ForgetLeader(const TopicPartition& partition) { leaders_.erase(partition); }
  void ForgetCoordinator(CoordinatorKeyType type, const std::string& key) {
    coordinators_.erase({type, key});
  }

  /// One request to this broker. `unanswered`, if given, is incremented when the broker may have
  /// got the request but its answer did not come.
  template <class Request>
  absl::StatusOr<typename Request::Response> Call(const BrokerAddress& address,
                                                  const Request& request, absl::Duration deadline,
                                                  int* unanswered = nullptr) {
    const absl::Duration until = RequestDeadline(deadline);
    WEIR_ASSIGN_OR_RETURN(WireConnection * connection, Connection(address, until));
    auto response = connection->Call(request, until);
    if (response.ok()) return response;
    if (connection->broken()) {
      connections_.erase(address);
      if (unanswered != nullptr) ++*unanswered;
    }
    return CallError(response.status(), address);
  }

  /// One request to the coordinator of the key. `code_of` finds the error code in an answer; one
  /// that says that it is not, or not yet, the coordinator lets it be looked up anew next time.
  template <class Request, class CodeOf>
  absl::Status CallCoordinator(CoordinatorKeyType type, const std::string& key,
                               const Request& request, absl::Duration deadline, int* unanswered,
                               CodeOf code_of) {
    WEIR_ASSIGN_OR_RETURN(const BrokerAddress coordinator, Coordinator(type, key, deadline));
    const auto response = Call(coordinator, request, deadline, unanswered);
    if (!response.ok()) {
      ForgetCoordinator(type, key);
      return response.status();
    }
    WEIR_ASSIGN_OR_RETURN(const int16_t code, code_of(*response));
    if (IsRetriable(static_cast<KafkaError>(code))) ForgetCoordinator(type, key);
    return StatusFromKafka(code, "the coordinator answers");
  }

 private:
  absl::Duration RequestDeadline(absl::Duration deadline) const;
  absl::StatusOr<WireConnection*> Connection(const BrokerAddress& address, absl::Duration deadline);
  absl::Status CallError(const absl::Status& status, const BrokerAddress& address) const;
  // One request to whichever broker answers.
  template <class Request>
  absl::StatusOr<typename Request::Response> CallAny(const Request& request,
                                                     absl::Duration deadline);
  void Remember(const BrokerAddress& address);

  const Clock& clock_;
  const BrokerRegistryOptions options_;
  std::map<BrokerAddress, std::unique_ptr<WireConnection>> connections_;
  std::vector<BrokerAddress> known_;  // the one that answered last comes first
  std::map<TopicPartition, BrokerAddress> leaders_;
  std::map<std::pair<CoordinatorKeyType, std::string>, BrokerAddress> coordinators_;
};

}  // namespace weir::kafka

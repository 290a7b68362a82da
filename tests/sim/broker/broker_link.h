#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "connectors/kafka/wire/kafka_error.h"

namespace weir::sim {

/// One request of a client, repeated until it has an answer.
struct BrokerCall {
  std::string what;  // for messages
  absl::Duration timeout;
  absl::Duration backoff = absl::Milliseconds(10);  // doubled by each retry, up to max_backoff
  absl::Duration max_backoff = absl::Milliseconds(500);
  /// Executed at the broker: at once, later, twice, or never. Owns what it uses.
  std::function<kafka::KafkaError()> request;
  /// Nothing leaves the process: `request` is asked after each backoff, and is never lost.
  bool local = false;
  /// True ends the call before its next try.
  std::function<bool()> cancelled = [] { return false; };
};

struct BrokerAnswer {
  /// OK: `error` is the broker's answer, none that is worth another try. DEADLINE_EXCEEDED or
  /// CANCELLED, each one sentence: no answer.
  absl::Status status;
  kafka::KafkaError error = kafka::KafkaError::kNone;
  /// Requests that may have been executed, or may be later, and whose answer never came.
  int unanswered = 0;
};

/// The way between one process and the brokers. Retriable errors and CONCURRENT_TRANSACTIONS are
/// tried again until the timeout.
///
/// Threads: as the implementation says. Outlives the clients that use it.
class BrokerLink {
 public:
  virtual ~BrokerLink() = default;
  /// Waits for the answer.
  virtual BrokerAnswer Do(BrokerCall call) = 0;
  /// `done` is called in the process, unless it has died; not before Send returns, except where an
  /// implementation has no time.
  virtual void Send(BrokerCall call, std::function<void(const BrokerAnswer&)> done) = 0;
};

/// Is it tried again?
inline bool IsTriedAgain(kafka::KafkaError error) {
  return kafka::IsRetriable(error) || error == kafka::KafkaError::kConcurrentTransactions;
}

}  // namespace weir::sim

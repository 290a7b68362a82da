#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "connectors/kafka/kafka_properties.h"

struct rd_kafka_s;
struct rd_kafka_conf_s;

namespace weir::kafka {

/// A librdkafka client with what every kind of client needs: its configuration, its log lines in
/// ours, and what it says about brokers.
///
/// Threads: one at a time; librdkafka's own threads only log. Destruction does not wait for
/// brokers.
class RdKafkaHandle {
 public:
  /// `configure` may set callbacks; the opaque pointer they get is the handle, see owner().
  /// INVALID_ARGUMENT when librdkafka refuses a value or cannot read a file.
  static absl::StatusOr<std::unique_ptr<RdKafkaHandle>> Make(
      const ClientConfiguration& configuration, void* owner,
      const std::function<void(rd_kafka_conf_s*)>& configure);
  ~RdKafkaHandle();
  RdKafkaHandle(const RdKafkaHandle&) = delete;
  RdKafkaHandle& operator=(const RdKafkaHandle&) = delete;

  rd_kafka_s* get() const { return client_; }
  void* owner() const { return owner_; }
  const std::string& brokers() const { return brokers_; }

  /// Not OK when the client cannot go on: refused credentials, a fatal error. Sticky.
  const absl::Status& status() const { return status_; }
  /// What the last failed connection attempt said.
  const std::string& connection_error() const { return connection_error_; }
  /// How many connections have failed or broken so far, as far as it was polled.
  uint64_t connection_errors() const { return connection_errors_; }
  /// No broker was reachable when last heard of, and nobody has called BrokerAnswered since.
  bool all_brokers_down() const { return all_brokers_down_; }
  void BrokerAnswered() { all_brokers_down_ = false; }

  /// "no Kafka broker answers at 'localhost:1': <the last reason>".
  absl::Status NoBrokerError() const;

 private:
  friend struct RdKafkaCallbacks;
  RdKafkaHandle(void* owner, std::string brokers) : owner_(owner), brokers_(std::move(brokers)) {}

  void OnError(int error, const char* reason);

  rd_kafka_s* client_ = nullptr;
  void* owner_;
  std::string brokers_;
  absl::Status status_;
  std::string connection_error_;
  uint64_t connection_errors_ = 0;
  bool all_brokers_down_ = false;
};

/// An error code of librdkafka (rd_kafka_resp_err_t) as a status; `message` is the whole sentence.
absl::Status StatusFromRdKafka(int error, const std::string& message);
/// "Broker: Unknown topic or partition".
std::string RdKafkaErrorText(int error);
/// Is it about reaching brokers, so that only time helps?
bool IsRdKafkaConnectionError(int error);
/// Is it the answer of a broker, or librdkafka's word on one, that only says how things are at
/// present: leaders are elected, a coordinator loads? The same request may succeed a little later.
/// Source: the subclasses of Kafka's RetriableException (3.9) that answer a consumer's requests,
/// but for UNKNOWN_TOPIC_OR_PARTITION, and what librdkafka refreshes its metadata for
/// (rd_kafka_err_action).
bool IsRdKafkaPassingAnswer(int error);

/// INVALID_ARGUMENT for the first value that librdkafka refuses. Opens no connection.
absl::Status CheckRdKafkaConfiguration(const ClientConfiguration& configuration);

}  // namespace weir::kafka

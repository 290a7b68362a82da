#include "connectors/kafka/transactional/wire_transaction_clients.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/exec/retry_wait.h"
#include "connectors/kafka/wire/tcp_byte_stream.h"

namespace weir::kafka {
namespace {

struct ClientWithItsWait {
  ClientWithItsWait(const Clock& clock, WireTransactionClientOptions options)
      : client(clock, wait, std::move(options)) {}
  ThreadRetryWait wait;
  WireTransactionClient client;
};

/// What librdkafka takes, by its names; it has refused values that are none.
class Values {
 public:
  explicit Values(const ClientConfiguration& configuration) : values_(configuration.values) {}

  std::string Text(const std::string& name, const std::string& fallback) const {
    const auto entry = values_.find(name);
    return entry == values_.end() ? fallback : entry->second;
  }
  int64_t Integer(const std::string& name, int64_t fallback) const {
    int64_t value = 0;
    return absl::SimpleAtoi(Text(name, ""), &value) ? value : fallback;
  }
  /// Milliseconds; 0 stands for the fallback.
  absl::Duration Milliseconds(const std::string& name, absl::Duration fallback) const {
    const int64_t value = Integer(name, 0);
    return value > 0 ? absl::Milliseconds(value) : fallback;
  }

 private:
  const std::map<std::string, std::string>& values_;
};

TcpOptions Tcp(const Values& values) {
  TcpOptions options;
  const std::string family = values.Text("broker.address.family", "any");
  if (family == "v4") options.address_family = TcpOptions::Family::kV4;
  if (family == "v6") options.address_family = TcpOptions::Family::kV6;
  options.keepalive = values.Text("socket.keepalive.enable", "false") == "true";
  options.send_buffer_bytes = static_cast<int>(values.Integer("socket.send.buffer.bytes", 0));
  options.receive_buffer_bytes = static_cast<int>(values.Integer("socket.receive.buffer.bytes", 0));
  options.connection_setup_timeout =
      values.Milliseconds("socket.connection.setup.timeout.ms", options.connection_setup_timeout);
  return options;
}

}  // namespace

absl::StatusOr<WireTransactionClientOptions> WireOptions(const ClientConfiguration& configuration,
                                                         const Clock& clock) {
  const Values values(configuration);
  const std::string protocol = values.Text("security.protocol", "plaintext");
  if (!absl::EqualsIgnoreCase(protocol, "plaintext")) {
    return absl::UnimplementedError(absl::StrCat(
        "exactly-once delivery to Kafka is not available over security.protocol=", protocol));
  }
  WireTransactionClientOptions options;
  options.brokers.connection.client_id = values.Text("client.id", "weir");
  options.brokers.connection.max_response_bytes = static_cast<size_t>(
      values.Integer("receive.message.max.bytes",
                     static_cast<int64_t>(options.brokers.connection.max_response_bytes)));
  options.brokers.connect = TcpConnector(clock, Tcp(values));
  options.brokers.request_timeout =
      values.Milliseconds("socket.timeout.ms", options.brokers.request_timeout);
  options.min_backoff = values.Milliseconds("retry.backoff.ms", options.min_backoff);
  options.max_backoff = std::max(
      options.min_backoff, values.Milliseconds("reconnect.backoff.max.ms", options.max_backoff));
  WEIR_ASSIGN_OR_RETURN(options.brokers.bootstrap,
                        ParseBootstrapServers(values.Text(
                            "bootstrap.servers", values.Text("metadata.broker.list", ""))));
  return options;
}

absl::StatusOr<std::shared_ptr<TransactionClient>> MakeWireTransactionClient(
    const ClientConfiguration& configuration, const Clock& clock) {
  WEIR_ASSIGN_OR_RETURN(WireTransactionClientOptions options, WireOptions(configuration, clock));
  const auto owner = std::make_shared<ClientWithItsWait>(clock, std::move(options));
  return std::shared_ptr<TransactionClient>(owner, &owner->client);
}

}  // namespace weir::kafka

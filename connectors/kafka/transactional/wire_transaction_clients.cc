#include "connectors/kafka/transactional/wire_transaction_clients.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/wire/retry_wait.h"
#include "connectors/kafka/wire/tcp_byte_stream.h"
#include "connectors/kafka/wire/wire_transaction_client.h"

namespace weir::kafka {
namespace {

struct ClientWithItsWait {
  ClientWithItsWait(const Clock& clock, WireTransactionClientOptions options)
      : client(clock, wait, std::move(options)) {}
  ThreadRetryWait wait;
  WireTransactionClient client;
};

std::string Value(const ClientConfiguration& configuration, const std::string& name,
                  const std::string& fallback) {
  const auto entry = configuration.values.find(name);
  return entry == configuration.values.end() ? fallback : entry->second;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TransactionClient>> MakeWireTransactionClient(
    const ClientConfiguration& configuration, const Clock& clock) {
  const std::string protocol = Value(configuration, "security.protocol", "plaintext");
  if (!absl::EqualsIgnoreCase(protocol, "plaintext")) {
    return absl::UnimplementedError(absl::StrCat(
        "exactly-once delivery to Kafka is not available over security.protocol=", protocol));
  }
  WireTransactionClientOptions options;
  options.brokers.connection.client_id = Value(configuration, "client.id", "weir");
  options.brokers.connect = TcpConnector(clock);
  WEIR_ASSIGN_OR_RETURN(
      options.brokers.bootstrap,
      ParseBootstrapServers(Value(configuration, "bootstrap.servers",
                                  Value(configuration, "metadata.broker.list", ""))));
  const auto owner = std::make_shared<ClientWithItsWait>(clock, std::move(options));
  return std::shared_ptr<TransactionClient>(owner, &owner->client);
}

}  // namespace weir::kafka

#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "common/time/clock.h"
#include "connectors/kafka/kafka_properties.h"
#include "connectors/kafka/wire/transaction_client.h"
#include "connectors/kafka/wire/wire_transaction_client.h"

namespace weir::kafka {

/// What librdkafka's clients are configured with, as far as it concerns this one: brokers,
/// client.id, socket.* (buffers, keepalive, timeouts), broker.address.family, retry.backoff.ms,
/// reconnect.backoff.max.ms, receive.message.max.bytes. Nagle's algorithm is always off.
/// Errors: INVALID_ARGUMENT for brokers' addresses that are none; UNIMPLEMENTED when the brokers
/// want TLS or SASL.
absl::StatusOr<WireTransactionClientOptions> WireOptions(const ClientConfiguration& configuration,
                                                         const Clock& clock);

/// A TransactionClient over TCP for such a configuration; it owns all it needs but the clock, and
/// opens no connection yet. Errors: as above.
absl::StatusOr<std::shared_ptr<TransactionClient>> MakeWireTransactionClient(
    const ClientConfiguration& configuration, const Clock& clock);

}  // namespace weir::kafka

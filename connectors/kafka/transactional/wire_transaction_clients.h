#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "common/time/clock.h"
#include "connectors/kafka/kafka_properties.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// A TransactionClient over TCP for what librdkafka's clients are configured with; it owns all it
/// needs but the clock, and opens no connection yet.
/// Errors: INVALID_ARGUMENT for brokers' addresses that are none; UNIMPLEMENTED when the brokers
/// want TLS or SASL.
absl::StatusOr<std::shared_ptr<TransactionClient>> MakeWireTransactionClient(
    const ClientConfiguration& configuration, const Clock& clock);

}  // namespace weir::kafka

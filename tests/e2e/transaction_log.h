#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

#include "connectors/kafka/wire/transaction_client.h"
#include "tests/support/kafka/kafka_cluster.h"

namespace weir {

/// Makes the coordinator of a one-broker cluster believe that each id has this pair and nothing
/// open, as if InitProducerId had been called 30,000 times: writes the states into the
/// coordinator's own log and kills and restarts the broker, which reads them from there.
/// Source: TransactionLogKey.json and TransactionLogValue.json of Kafka 3.9, version 0.
/// Errors: of KafkaCluster and TopicClient.
absl::Status RewriteTransactionStates(
    KafkaCluster& cluster, const std::map<std::string, kafka::ProducerIdAndEpoch>& producers);

}  // namespace weir

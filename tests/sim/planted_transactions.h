#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "tests/sim/model_job.h"

namespace weir::sim {

/// The planted bugs of the exactly-once sink: what the product's writer and committer are given is
/// wrapped, or edited, so that they do what a faulty one would have done. Without a bug everything
/// comes back as it is. The context outlives what is wrapped.

std::shared_ptr<const kafka::KafkaClientFactory> PlantInClients(
    const ModelContext& context, std::shared_ptr<const kafka::KafkaClientFactory> clients);

/// Of the committer.
kafka::TransactionClientFactory PlantInTransactionClients(const ModelContext& context,
                                                          kafka::TransactionClientFactory clients,
                                                          const SinkRecovery& recovery);

/// What the committer is told.
SinkRecovery PlantInRecovery(const ModelContext& context, SinkRecovery recovery);
/// What the writer answers a barrier with.
std::vector<std::string> PlantInCommittables(const ModelContext& context, Epoch epoch,
                                             std::vector<std::string> committables);

}  // namespace weir::sim

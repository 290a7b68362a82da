#include "tests/sim/broker/model_kafka_clients.h"

#include "tests/sim/broker/model_record_reader.h"
#include "tests/sim/broker/model_transactional_producer.h"

namespace weir::sim {

absl::StatusOr<std::unique_ptr<kafka::KafkaTransactionalProducer>>
ModelKafkaClients::MakeTransactionalProducer(
    const kafka::TransactionalProducerOptions& options) const {
  return std::make_unique<ModelTransactionalProducer>(broker_, link_, options);
}

absl::StatusOr<std::unique_ptr<kafka::StoredRecordReader>> ModelKafkaClients::MakeRecordReader(
    const kafka::ClientConfiguration&) const {
  return std::make_unique<ModelRecordReader>(broker_, link_);
}

}  // namespace weir::sim

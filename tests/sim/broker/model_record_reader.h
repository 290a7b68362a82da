#pragma once

#include "connectors/kafka/transactional/stored_record_reader.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/broker/transaction_broker.h"

namespace weir::sim {

/// Reads the model's partitions with what is uncommitted and aborted in them; broker and link
/// outlive it.
class ModelRecordReader final : public kafka::StoredRecordReader {
 public:
  ModelRecordReader(TransactionBroker& broker, BrokerLink& link) : broker_(broker), link_(link) {}
  absl::Status Read(const kafka::TopicPartition& partition, int64_t first, int64_t last,
                    absl::Duration timeout, const Visitor& visitor) override;

 private:
  TransactionBroker& broker_;
  BrokerLink& link_;
};

}  // namespace weir::sim

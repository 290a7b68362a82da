#pragma once

#include <memory>

#include "common/time/clock.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/stored_record_reader.h"

namespace weir::kafka {

enum class ReadIsolation { kUncommitted, kCommitted };

/// A StoredRecordReader by consumers of `clients`, one a stretch. `connection`: of any kind of
/// client; only what concerns connections is taken of it. All arguments outlive the reader.
std::unique_ptr<StoredRecordReader> MakeConsumerRecordReader(const KafkaClientFactory& clients,
                                                             const ClientConfiguration& connection,
                                                             const Clock& clock,
                                                             ReadIsolation isolation);

}  // namespace weir::kafka

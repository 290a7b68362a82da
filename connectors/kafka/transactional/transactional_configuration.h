#pragma once

#include "absl/time/time.h"

#include "connectors/kafka/kafka_properties.h"

namespace weir::kafka {

/// `configuration` of a producer, with what one needs whose transactions time out after `timeout`;
/// without its transactional.id.
ClientConfiguration TransactionalConfiguration(ClientConfiguration configuration,
                                               absl::Duration timeout);

}  // namespace weir::kafka

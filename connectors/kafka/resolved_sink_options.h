#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/types/schema.h"
#include "connectors/kafka/kafka_properties.h"
#include "connectors/kafka/kafka_sink_options.h"

namespace weir::kafka {

/// KafkaSinkOptions, checked and translated for an input: what writers work with.
struct ResolvedSinkOptions {
  KafkaSinkOptions options;
  SchemaPtr input;
  std::optional<size_t> key_column;
  SchemaPtr key_schema;  // of the key's column alone
  RecordFormat key_format;
  std::optional<size_t> value_column;  // nothing: all of them
  SchemaPtr value_schema;              // of the value's column alone, or the input
  struct Header {
    std::string name;
    size_t column = 0;
  };
  std::vector<Header> headers;
  RecordFormat value_format;
  ClientConfiguration configuration;  // without client.id
  std::string client_id_prefix;       // "" for none
  // HasRoom is false above these; below the bounds of the client's own queue.
  size_t max_outstanding_messages = 0;
  size_t max_outstanding_bytes = 0;
  // Exactly once: what is asked for. One that nobody set is lowered to what the brokers allow.
  absl::Duration transaction_timeout = absl::Hours(1);
  bool transaction_timeout_set = false;
};

/// INVALID_ARGUMENT with everything that is wrong in one sentence. Needs no connection.
absl::StatusOr<ResolvedSinkOptions> ResolveSinkOptions(const KafkaSinkOptions& options,
                                                       const SchemaPtr& input);

}  // namespace weir::kafka

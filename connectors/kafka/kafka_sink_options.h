#pragma once

#include <string>
#include <vector>

#include "common/connector/delivery_guarantee.h"
#include "connectors/kafka/properties.h"
#include "connectors/kafka/record_format.h"

namespace weir::kafka {

/// What a record's timestamp in Kafka is.
enum class RecordTimestamps {
  kEventTime,  // the record's event time, where it has one (as Flink)
  kSendTime,   // when it is sent; cheaper
};

/// Exactly once: what becomes of a transaction of a completed checkpoint that the brokers aborted
/// before it was committed (its time ran out while nobody ran the job, say).
enum class AbortedTransactionPolicy {
  kReplay,  // its records, still in the topic, are published again, before later ones
  kFail,    // the job is suspended, naming them
  kIgnore,  // they are left out, with a log line
};

/// A Kafka sink as the job author wrote it. Nothing is checked before it is resolved
/// (resolved_sink_options.h).
struct KafkaSinkOptions {
  Properties properties;
  std::string topic;
  std::string key_field;      // "" for records without a key
  RecordFormat key_format;    // not chosen: key.serializer, else by the field's type
  std::string value_field;    // "": the value is the whole record
  RecordFormat value_format;  // not chosen: value.serializer
  /// A field that goes into a header: as text, or its bytes; a null makes none.
  struct Header {
    std::string name;
    std::string field;
  };
  std::vector<Header> headers;
  bool dead_letters = false;  // it takes DeadLetter, with headers of dead_letter_headers.h
  RecordTimestamps timestamps = RecordTimestamps::kEventTime;
  DeliveryGuarantee delivery = DeliveryGuarantee::kAtLeastOnce;
  // Exactly once only.
  std::string transactional_id_prefix;  // "" for <cluster>-<job name>-<uid>
  AbortedTransactionPolicy aborted_transactions = AbortedTransactionPolicy::kReplay;
};

}  // namespace weir::kafka

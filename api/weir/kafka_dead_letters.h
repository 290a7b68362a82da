#pragma once

#include <memory>
#include <string>

#include "weir/error_policy.h"
#include "weir/kafka.h"

namespace weir {

/// A Kafka topic for dead letters, for ErrorPolicy::DeadLetter. A record there has the key and
/// value of the record that failed where a source could not decode it; where a function threw, the
/// value is the function's input as JSON, and there is no key. The headers say the rest, as text:
///
///   weir.errors.topic, .partition, .offset   where it was read
///   weir.errors.message                      why it is here
///   weir.errors.operator, .operator.uid      who could not deal with it
///   weir.errors.job, .job.id, .subtask       and in which job
///   weir.errors.format                       of the value: raw or json
///
/// Several operators and jobs may share a topic. `properties`: as for a KafkaSink; serializers in
/// them are not looked at. `transactional_id_prefix`: as KafkaSink's, where the job is exactly
/// once; needed where two jobs of one program run at a time.
std::shared_ptr<const DeadLetterSink> KafkaDeadLetterTopic(
    const KafkaProperties& properties, const std::string& topic,
    const std::string& transactional_id_prefix = "");

}  // namespace weir

#pragma once

#include <memory>

#include "connectors/kafka/kafka_sink_options.h"
#include "connectors/kafka/kafka_source_options.h"

namespace weir {
class Source;
class Sink;
}  // namespace weir

namespace weir::kafka {

/// The engine's side of the builders in api/weir/kafka.h. What is wrong with the options is said by
/// Source::Validate and Sink::Validate, when the job is planned.
std::shared_ptr<const Source> MakeKafkaSource(KafkaSourceOptions options);
/// `input`: what the sink is typed for.
std::shared_ptr<const Sink> MakeKafkaSink(KafkaSinkOptions options, SchemaPtr input);

}  // namespace weir::kafka

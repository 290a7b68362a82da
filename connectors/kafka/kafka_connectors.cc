#include "connectors/kafka/kafka_connectors.h"

#include <utility>

#include "connectors/kafka/kafka_sink.h"
#include "connectors/kafka/kafka_source.h"
#include "connectors/kafka/rdkafka_admin.h"

namespace weir::kafka {

std::shared_ptr<const Source> MakeKafkaSource(KafkaSourceOptions options) {
  return std::make_shared<const KafkaSource>(std::move(options), RdKafkaClients());
}

std::shared_ptr<const Sink> MakeKafkaSink(KafkaSinkOptions options, SchemaPtr input) {
  return std::make_shared<const KafkaSink>(std::move(options), std::move(input), RdKafkaClients());
}

}  // namespace weir::kafka

#include "weir/kafka_dead_letters.h"

#include <set>
#include <utility>

#include "common/operator/dead_letter.h"
#include "connectors/kafka/dead_letters/dead_letter_headers.h"
#include "connectors/kafka/kafka_connectors.h"

namespace weir {
namespace {

class KafkaDeadLetters final : public DeadLetterSink {
 public:
  KafkaDeadLetters(KafkaProperties properties, std::string topic, std::string prefix)
      : properties_(std::move(properties)), topic_(std::move(topic)), prefix_(std::move(prefix)) {}

  std::shared_ptr<const Sink> Make(DeliveryGuarantee delivery) const override {
    kafka::KafkaSinkOptions options;
    options.properties = properties_;
    options.topic = topic_;
    options.delivery = delivery;
    if (delivery == DeliveryGuarantee::kExactlyOnce) options.transactional_id_prefix = prefix_;
    options.key_field = "key";
    options.key_format = kafka::RawRecordFormat();
    options.value_field = "value";
    options.value_format = kafka::RawRecordFormat();
    options.headers = {{kafka::kErrorTopicHeader, "topic"},
                       {kafka::kErrorPartitionHeader, "partition"},
                       {kafka::kErrorOffsetHeader, "offset"},
                       {kafka::kErrorMessageHeader, "error"},
                       {kafka::kErrorOperatorHeader, "operator_name"},
                       {kafka::kErrorOperatorUidHeader, "operator_uid"},
                       {kafka::kErrorJobHeader, "job"},
                       {kafka::kErrorJobIdHeader, "job_id"},
                       {kafka::kErrorSubtaskHeader, "subtask"},
                       {kafka::kErrorFormatHeader, "format"}};
    options.dead_letters = true;
    return kafka::MakeKafkaSink(options, SchemaOf<DeadLetter>());
  }

 private:
  const KafkaProperties properties_;
  const std::string topic_;
  const std::string prefix_;
};

// A sink's own formats are fixed.
KafkaProperties WithoutFormats(const KafkaProperties& properties) {
  static const std::set<std::string> formats = {"key.serializer", "value.serializer",
                                                "key.deserializer", "value.deserializer"};
  KafkaProperties rest;
  for (const auto& [name, value] : properties.values()) {
    if (formats.count(name) == 0) rest.Set(name, value);
  }
  return rest;
}

}  // namespace

std::shared_ptr<const DeadLetterSink> KafkaDeadLetterTopic(
    const KafkaProperties& properties, const std::string& topic,
    const std::string& transactional_id_prefix) {
  return std::make_shared<KafkaDeadLetters>(WithoutFormats(properties), topic,
                                            transactional_id_prefix);
}

}  // namespace weir

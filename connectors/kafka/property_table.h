#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::kafka {

enum class ClientKind { kConsumer, kProducer };

/// What one property name means to us.
struct PropertyRule {
  enum class Scope { kBoth, kConsumer, kProducer };
  enum class Action {
    kPass,       // librdkafka has the same name and meaning
    kRename,     // librdkafka calls it `detail`
    kKilobytes,  // the same, and it counts in units of 1024 there
    kConvert,    // needs code (kafka_properties.cc)
    kConnector,  // read by the connector itself
    kIgnore,     // has no effect here because `detail`
    kRefuse,     // an error: `detail` says what to do instead
  };
  std::string_view name;
  Scope scope = Scope::kBoth;
  Action action = Action::kPass;
  std::string_view detail;

  bool Concerns(ClientKind kind) const {
    return scope == Scope::kBoth || (scope == Scope::kConsumer) == (kind == ClientKind::kConsumer);
  }
};

/// Java's names (ConsumerConfig and ProducerConfig of Kafka 3.9, KafkaSourceOptions of Flink), then
/// librdkafka 2.0.2's. Null when nobody knows the name.
const PropertyRule* FindPropertyRule(std::string_view name);

/// Every known name, for "did you mean".
std::vector<std::string> KnownPropertyNames();

}  // namespace weir::kafka

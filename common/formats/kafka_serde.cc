#include "common/formats/kafka_serde.h"

#include <array>
#include <string>

#include "common/formats/number_format.h"
#include "common/formats/string_format.h"

namespace weir {
namespace {

constexpr std::string_view kPackage = "org.apache.kafka.common.serialization.";
constexpr std::string_view kSerializer = "Serializer";
constexpr std::string_view kDeserializer = "Deserializer";

struct Entry {
  std::string_view name;
  DataType type;
  std::unique_ptr<Deserializer> (*make_deserializer)();
  std::unique_ptr<Serializer> (*make_serializer)();
};

template <DataType type>
constexpr Entry Plain(std::string_view name) {
  return {
      name, type,
      []() -> std::unique_ptr<Deserializer> { return std::make_unique<StringDeserializer>(type); },
      []() -> std::unique_ptr<Serializer> { return std::make_unique<StringSerializer>(type); }};
}

template <NumberWire wire>
constexpr Entry Number(std::string_view name, DataType type) {
  return {
      name, type,
      []() -> std::unique_ptr<Deserializer> { return std::make_unique<NumberDeserializer>(wire); },
      []() -> std::unique_ptr<Serializer> { return std::make_unique<NumberSerializer>(wire); }};
}

constexpr std::array<Entry, 11> kEntries = {
    Plain<DataType::kString>("String"),
    Plain<DataType::kBytes>("ByteArray"),
    Plain<DataType::kBytes>("ByteBuffer"),
    Plain<DataType::kBytes>("Bytes"),
    Number<NumberWire::kInt16>("Short", DataType::kInt32),
    Number<NumberWire::kInt32>("Integer", DataType::kInt32),
    Number<NumberWire::kInt64>("Long", DataType::kInt64),
    Number<NumberWire::kFloat32>("Float", DataType::kFloat64),
    Number<NumberWire::kFloat64>("Double", DataType::kFloat64),
    Number<NumberWire::kUuid>("UUID", DataType::kString),
    Number<NumberWire::kVoid>("Void", DataType::kBytes),
};

}  // namespace

std::optional<KafkaSerde> FindKafkaSerde(std::string_view java_class_name) {
  if (!java_class_name.starts_with(kPackage)) return std::nullopt;
  const std::string_view name = java_class_name.substr(kPackage.size());
  for (const Entry& entry : kEntries) {
    if (!name.starts_with(entry.name)) continue;
    const std::string_view role = name.substr(entry.name.size());
    if (role != kSerializer && role != kDeserializer) continue;
    KafkaSerde serde;
    serde.role =
        role == kSerializer ? KafkaSerde::Role::kSerializer : KafkaSerde::Role::kDeserializer;
    serde.type = entry.type;
    serde.nullable_only = entry.name == "Void";
    serde.make_deserializer = entry.make_deserializer;
    serde.make_serializer = entry.make_serializer;
    return serde;
  }
  return std::nullopt;
}

std::vector<std::string> KafkaSerdeNames() {
  std::vector<std::string> names;
  for (const std::string_view role : {kSerializer, kDeserializer}) {
    for (const Entry& entry : kEntries) {
      names.push_back(std::string(kPackage) + std::string(entry.name) + std::string(role));
    }
  }
  return names;
}

}  // namespace weir

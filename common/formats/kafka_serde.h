#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/formats/format.h"

namespace weir {

/// What a class name in key.serializer, value.deserializer and so on means here.
struct KafkaSerde {
  enum class Role : uint8_t { kSerializer, kDeserializer };
  Role role = Role::kDeserializer;
  DataType type = DataType::kString;  // of the one column
  bool nullable_only = false;  // Void*: the column must be nullable, its type does not matter
  std::unique_ptr<Deserializer> (*make_deserializer)() = nullptr;  // of the same wire form, always
  std::unique_ptr<Serializer> (*make_serializer)() = nullptr;      // both set, whatever the role
};

/// Looks up "org.apache.kafka.common.serialization.X" with X one of String, ByteArray, ByteBuffer,
/// Bytes, Short, Integer, Long, Float, Double, UUID, Void, followed by Serializer or Deserializer;
/// nothing when the class is not one of these.
std::optional<KafkaSerde> FindKafkaSerde(std::string_view java_class_name);

/// All names that FindKafkaSerde knows, for error messages.
std::vector<std::string> KafkaSerdeNames();

}  // namespace weir

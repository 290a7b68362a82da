#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/formats/format.h"

namespace weir {

/// How the serializers of org.apache.kafka.common.serialization write a value, beside plain bytes.
/// Numbers are big-endian, as java.nio.ByteBuffer writes them; a null is a null payload.
///
///   kInt16   column int32; writing a number outside of int16 is an error
///   kInt32   column int32
///   kInt64   column int64 (or timestamp, as microseconds)
///   kFloat32 column float64; writing rounds to the nearest float
///   kFloat64 column float64
///   kUuid    column string: 36 characters in the usual form, lower-case when read or written
///   kVoid    any nullable column: always null
enum class NumberWire : uint8_t { kInt16, kInt32, kInt64, kFloat32, kFloat64, kUuid, kVoid };

/// The column type that goes with it (kBytes for kVoid).
DataType NumberWireType(NumberWire wire);

/// Reads payloads of this form into the single column of the builder.
/// Threads and errors: see Deserializer. A payload of another size than the form has is an error,
/// as in Kafka's own deserializers.
class NumberDeserializer : public Deserializer {
 public:
  explicit NumberDeserializer(NumberWire wire) : wire_(wire) {}
  absl::Status Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                           std::vector<DecodeError>* failed) override;

 private:
  NumberWire wire_;
};

/// The reverse.
class NumberSerializer : public Serializer {
 public:
  explicit NumberSerializer(NumberWire wire) : wire_(wire) {}
  absl::Status Serialize(const Batch& batch, ByteRows* out) override;

 private:
  NumberWire wire_;
};

}  // namespace weir

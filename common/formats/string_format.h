#pragma once

#include "common/formats/format.h"

namespace weir {

/// The payload is the value: one column (usually named "value") of type string or bytes, unchanged.
/// UTF-8 is not checked. A null payload is a null where the field is nullable, else it fails.
///
/// Threads and errors: see Deserializer.
class StringDeserializer : public Deserializer {
 public:
  /// kString or kBytes.
  explicit StringDeserializer(DataType type = DataType::kString) : type_(type) {}
  absl::Status Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                           std::vector<DecodeError>* failed) override;

 private:
  DataType type_;
};

/// The reverse; a null becomes a null payload.
class StringSerializer : public Serializer {
 public:
  explicit StringSerializer(DataType type = DataType::kString) : type_(type) {}
  absl::Status Serialize(const Batch& batch, ByteRows* out) override;

 private:
  DataType type_;
};

}  // namespace weir

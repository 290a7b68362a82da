#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/formats/format.h"
#include "common/formats/json_format.h"
#include "common/types/schema.h"
#include "common/types/status_forward.h"

namespace weir::kafka {

/// How keys or values are written and read: a named pair of factories. Copyable and immutable; a
/// default-constructed one means "not chosen", and the serializer classes of the properties decide.
class RecordFormat {
 public:
  using CheckFunction = std::function<absl::Status(const Schema& schema)>;
  using DeserializerFunction =
      std::function<std::unique_ptr<Deserializer>(const SchemaPtr& schema)>;
  using SerializerFunction = std::function<std::unique_ptr<Serializer>(const SchemaPtr& schema)>;

  RecordFormat() = default;
  RecordFormat(std::string name, CheckFunction check, DeserializerFunction make_deserializer,
               SerializerFunction make_serializer)
      : name_(std::move(name)),
        check_(std::move(check)),
        make_deserializer_(std::move(make_deserializer)),
        make_serializer_(std::move(make_serializer)) {}

  bool chosen() const { return static_cast<bool>(check_); }
  /// "string", "raw", "json", or a Java class name.
  const std::string& name() const { return name_; }
  /// INVALID_ARGUMENT unless rows of this schema can be read and written.
  absl::Status Check(const Schema& schema) const;
  std::unique_ptr<Deserializer> MakeDeserializer(const SchemaPtr& schema) const {
    return make_deserializer_(schema);
  }
  std::unique_ptr<Serializer> MakeSerializer(const SchemaPtr& schema) const {
    return make_serializer_(schema);
  }

 private:
  std::string name_;
  CheckFunction check_;
  DeserializerFunction make_deserializer_;
  SerializerFunction make_serializer_;
};

/// The bytes are a text: one column of type string.
RecordFormat StringRecordFormat();
/// The bytes as they are: one column of type bytes.
RecordFormat RawRecordFormat();
/// A JSON object, one member per field.
RecordFormat JsonRecordFormat(JsonOptions options = {});

}  // namespace weir::kafka

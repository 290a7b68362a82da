#include "connectors/kafka/record_format.h"

#include "absl/status/status.h"

#include "common/formats/string_format.h"

namespace weir::kafka {
namespace {

RecordFormat TextOrBytes(const std::string& name, DataType type) {
  return RecordFormat(
      name, [name, type](const Schema& schema) { return CheckSingleColumn(schema, type, name); },
      [type](const SchemaPtr&) { return std::make_unique<StringDeserializer>(type); },
      [type](const SchemaPtr&) { return std::make_unique<StringSerializer>(type); });
}

}  // namespace

absl::Status RecordFormat::Check(const Schema& schema) const { return check_(schema); }

RecordFormat StringRecordFormat() { return TextOrBytes("string", DataType::kString); }

RecordFormat RawRecordFormat() { return TextOrBytes("raw", DataType::kBytes); }

RecordFormat JsonRecordFormat(JsonOptions options) {
  return RecordFormat(
      "json", [](const Schema& schema) { return schema.Validate(); },
      [options](const SchemaPtr& schema) {
        return std::make_unique<JsonDeserializer>(schema, options);
      },
      [options](const SchemaPtr& schema) {
        return std::make_unique<JsonSerializer>(schema, options);
      });
}

}  // namespace weir::kafka

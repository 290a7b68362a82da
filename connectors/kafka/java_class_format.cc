#include "connectors/kafka/java_class_format.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/nearest_names.h"
#include "common/formats/kafka_serde.h"

namespace weir::kafka {
namespace {

absl::Status CheckSerdeSchema(const KafkaSerde& serde, const std::string& name,
                              const Schema& schema) {
  if (!serde.nullable_only) return CheckSingleColumn(schema, serde.type, name);
  if (schema.num_fields() == 1 && schema.field(0).nullable) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " needs a single nullable field, not ", schema.ToString()));
}

}  // namespace

absl::StatusOr<RecordFormat> JavaClassRecordFormat(const std::string& java_class_name) {
  const std::optional<KafkaSerde> serde = FindKafkaSerde(java_class_name);
  if (!serde.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("the class '", java_class_name,
                                                   "' is not known here",
                                                   DidYouMean(java_class_name, KafkaSerdeNames())));
  }
  return RecordFormat(
      java_class_name,
      [serde = *serde, java_class_name](const Schema& schema) {
        return CheckSerdeSchema(serde, java_class_name, schema);
      },
      [make = serde->make_deserializer](const SchemaPtr&) { return make(); },
      [make = serde->make_serializer](const SchemaPtr&) { return make(); });
}

bool SuitsJavaClass(const RecordFormat& format, const std::string& java_class_name) {
  if (format.name() == java_class_name) return true;
  const std::optional<KafkaSerde> serde = FindKafkaSerde(java_class_name);
  if (!serde.has_value()) return false;
  if (serde->type == DataType::kBytes && !serde->nullable_only) return true;
  return absl::StrContains(java_class_name, ".String") &&
         (format.name() == "string" || format.name() == "json");
}

}  // namespace weir::kafka

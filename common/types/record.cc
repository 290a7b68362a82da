#include "common/types/record.h"

#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"

namespace weir {

absl::Status CheckRecordSchema(const Schema& have, const Schema& want) {
  std::string difference;
  if (have.num_fields() != want.num_fields()) {
    difference = std::to_string(have.num_fields()) + " fields instead of " +
                 std::to_string(want.num_fields());
  }
  for (size_t i = 0; difference.empty() && i < want.num_fields(); ++i) {
    const Field& is = have.field(i);
    const Field& expected = want.field(i);
    if (is.name != expected.name) {
      difference = "field " + std::to_string(i) + " is \"" + is.name + "\" instead of \"" +
                   expected.name + "\"";
    } else if (is.type != expected.type) {
      difference = "field \"" + is.name + "\" is " + std::string(DataTypeName(is.type)) +
                   " instead of " + std::string(DataTypeName(expected.type));
    } else if (is.nullable && !expected.nullable) {
      difference = "field \"" + is.name + "\" may be null, but the record cannot hold a null";
    }
  }
  if (difference.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("schema " + have.ToString() + " cannot be read as " +
                                    want.ToString() + ": " + difference);
}

namespace internal {

void CheckReadable(const Schema& batch_schema, const Schema& record_schema) {
  if (&batch_schema == &record_schema) return;
  const absl::Status status = CheckRecordSchema(batch_schema, record_schema);
  WEIR_CHECK(status.ok()) << status.message();
}

}  // namespace internal
}  // namespace weir

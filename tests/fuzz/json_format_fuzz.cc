// Any bytes as one JSON record: reading must not fail in any other way than by a reason, and what
// is accepted must come back equal when it is written and read again.

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

#include "common/base/check.h"
#include "common/formats/json_format.h"

namespace weir {
namespace {

constexpr JsonOptions kOptions{.timestamps = JsonOptions::Timestamps::kEpochMicros};

const SchemaPtr& FuzzSchema() {
  static const SchemaPtr schema = Schema::Make({{"i", DataType::kInt64, true},
                                                {"n", DataType::kInt32, true},
                                                {"f", DataType::kFloat64, true},
                                                {"s", DataType::kString, true},
                                                {"raw", DataType::kBytes, true},
                                                {"b", DataType::kBool, true},
                                                {"at", DataType::kTimestamp, true}});
  return schema;
}

void ReadWriteRead(const Payload& payload, JsonDeserializer& reader) {
  BatchBuilder builder(FuzzSchema());
  std::vector<DecodeError> failed;
  // Twice: the second time the keys have been learned.
  const Payload twice[] = {payload, payload};
  WEIR_CHECK(reader.Deserialize(twice, builder, &failed).ok());
  const Batch batch = builder.Finish();
  WEIR_CHECK(batch.num_rows() + failed.size() == 2 && batch.num_rows() != 1);
  if (batch.num_rows() == 0) return;
  for (const Column& column : batch.columns()) {
    WEIR_CHECK(column.Slice(0, 1).Equals(column.Slice(1, 1))) << DataTypeName(column.type());
  }
  ByteRows rows;
  WEIR_CHECK(JsonSerializer(FuzzSchema(), kOptions).Serialize(batch, &rows).ok());
  const Payload written[] = {rows[0], rows[1]};
  WEIR_CHECK(reader.Deserialize(written, builder, &failed).ok());
  WEIR_CHECK(failed.empty()) << failed[0].reason;
  const Batch again = builder.Finish();
  for (size_t i = 0; i < batch.num_columns(); ++i) {
    WEIR_CHECK(again.column(i).Equals(batch.column(i))) << FuzzSchema()->field(i).name;
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::JsonDeserializer reader(weir::FuzzSchema(), weir::kOptions);
  weir::ReadWriteRead({reinterpret_cast<const char*>(data), size, false}, reader);
  return 0;
}

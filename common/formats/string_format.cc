#include "common/formats/string_format.h"

#include "absl/status/status.h"

#include "common/base/status_macros.h"

namespace weir {

absl::Status StringDeserializer::Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                                             std::vector<DecodeError>* failed) {
  WEIR_RETURN_IF_ERROR(CheckSingleColumn(*out.schema(), type_, "the string format"));
  const Field& field = out.schema()->field(0);
  ColumnBuilder& column = out.column(0);
  column.Reserve(payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) {
    const Payload& payload = payloads[i];
    if (!payload.null) {
      column.AppendBytes({payload.data, payload.size});
    } else if (field.nullable) {
      column.AppendNull();
    } else {
      failed->push_back(
          {i, "the payload is null, but field \"" + field.name + "\" is not nullable"});
      continue;
    }
    if (column.full()) {
      absl::Status status = out.status();
      out.RollbackRow();
      return status;
    }
    out.CommitRow();
  }
  return absl::OkStatus();
}

absl::Status StringSerializer::Serialize(const Batch& batch, ByteRows* out) {
  WEIR_RETURN_IF_ERROR(CheckSingleColumn(*batch.schema(), type_, "the string format"));
  const Column& column = batch.column(0);
  out->Reserve(batch.num_rows(), column.size_bytes());
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    if (column.IsNull(row)) {
      out->AppendNull();
    } else {
      out->Append(column.StringAt(row));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir

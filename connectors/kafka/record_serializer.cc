#include "connectors/kafka/record_serializer.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr int64_t kMicrosPerMilli = 1000;

absl::Status CheckInsertsOnly(const Batch& batch) {
  const ChangeKind* kinds = batch.change_kinds();
  if (kinds == nullptr) return absl::OkStatus();
  const bool inserts = std::all_of(kinds, kinds + batch.num_rows(),
                                   [](ChangeKind kind) { return kind == ChangeKind::kInsert; });
  if (inserts) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "updates and deletions cannot be written to a Kafka topic; only new records can");
}

// Kafka knows no negative timestamps: such records get the time of sending.
int64_t TimestampMs(int64_t event_time_us) {
  return event_time_us < 0 ? 0 : event_time_us / kMicrosPerMilli;
}

// Of the types that ResolveSinkOptions lets pass.
std::string TextOf(const Column& column, size_t row) {
  switch (column.type()) {
    case DataType::kBool:
      return column.bools()[row] != 0 ? "true" : "false";
    case DataType::kInt32:
      return absl::StrCat(column.int32s()[row]);
    case DataType::kInt64:
      return absl::StrCat(column.int64s()[row]);
    default:
      return std::string(column.StringAt(row));
  }
}

}  // namespace

size_t OutgoingBatch::bytes() const {
  size_t bytes = 0;
  for (const OutgoingMessage& message : rest()) bytes += message.key.size + message.value.size;
  return bytes;
}

RecordSerializer::RecordSerializer(const ResolvedSinkOptions& options)
    : key_schema_(options.key_schema),
      key_column_(options.key_column),
      value_schema_(options.value_schema),
      value_column_(options.value_column),
      headers_(options.headers),
      event_times_(options.options.timestamps == RecordTimestamps::kEventTime),
      value_serializer_(options.value_format.MakeSerializer(options.value_schema)) {
  if (key_column_.has_value()) key_serializer_ = options.key_format.MakeSerializer(key_schema_);
}

absl::Status RecordSerializer::Serialize(const Batch& batch, OutgoingBatch* out) {
  absl::Status status = SerializeRows(batch, *out);
  if (!status.ok()) out->messages_.clear();
  out->taken_ = 0;
  return status;
}

absl::Status RecordSerializer::SerializeRows(const Batch& batch, OutgoingBatch& out) {
  WEIR_RETURN_IF_ERROR(CheckInsertsOnly(batch));
  out.keys_.Clear();
  out.values_.Clear();
  if (value_column_.has_value()) {
    const Batch values(value_schema_, {batch.column(*value_column_)}, batch.num_rows());
    WEIR_RETURN_IF_ERROR(value_serializer_->Serialize(values, &out.values_));
  } else {
    WEIR_RETURN_IF_ERROR(value_serializer_->Serialize(batch, &out.values_));
  }
  if (key_serializer_ != nullptr) {
    const Batch keys(key_schema_, {batch.column(*key_column_)}, batch.num_rows());
    WEIR_RETURN_IF_ERROR(key_serializer_->Serialize(keys, &out.keys_));
  }
  const int64_t* times = event_times_ ? batch.event_times() : nullptr;
  out.messages_.resize(batch.num_rows());
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    OutgoingMessage& message = out.messages_[row];
    message.value = out.values_[row];
    message.key = key_serializer_ != nullptr ? out.keys_[row] : Payload{nullptr, 0, true};
    message.timestamp_ms = times == nullptr ? 0 : TimestampMs(times[row]);
    message.headers = nullptr;
  }
  if (!headers_.empty()) MakeHeaders(batch, out);
  return absl::OkStatus();
}

void RecordSerializer::MakeHeaders(const Batch& batch, OutgoingBatch& out) const {
  out.headers_.assign(batch.num_rows(), {});
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    for (const ResolvedSinkOptions::Header& header : headers_) {
      const Column& column = batch.column(header.column);
      if (column.IsNull(row)) continue;
      out.headers_[row].emplace_back(header.name, TextOf(column, row));
    }
    out.messages_[row].headers = &out.headers_[row];
  }
}

}  // namespace weir::kafka

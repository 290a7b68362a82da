#include "taskmanager/exchange/batch_layout.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/types/column_builder.h"
#include "taskmanager/exchange/frame_header.h"

namespace weir::taskmanager {
namespace {

enum BatchFlags : uint32_t { kEventTimes = 1, kChangeKinds = 2 };
enum ColumnFlags : uint8_t { kValidity = 1, kOffsets = 2 };

struct WireBatch {
  uint64_t rows;
  uint32_t columns;
  uint32_t flags;
};

struct WireColumn {
  uint8_t type;
  uint8_t flags;
  uint8_t zero[6];
  uint64_t value_bytes;
};
static_assert(sizeof(WireBatch) == 16 && sizeof(WireColumn) == 16);

size_t ValidityBytes(size_t rows) { return (rows + 7) / 8; }

bool SendsOffsets(const Column& column) {
  return IsVariableWidth(column.type()) && column.length() > 0;
}

// The values of the column's rows alone.
Buffer ValuesOf(const Column& column) {
  const Buffer& values = column.buffers().values;
  if (column.length() == 0) return Buffer();
  if (!IsVariableWidth(column.type())) {
    return values.Slice(0, column.length() * FixedWidth(column.type()));
  }
  const auto begin = static_cast<size_t>(column.offsets()[0]);
  const auto end = static_cast<size_t>(column.offsets()[column.length()]);
  return end == begin ? Buffer() : values.Slice(begin, end - begin);
}

// The payload from its front.
class Reader {
 public:
  explicit Reader(const Buffer& payload) : payload_(payload) {}

  size_t left() const { return payload_.size() - position_; }

  template <class T>
  bool Read(T* out) {
    if (left() < sizeof(T)) return false;
    std::memcpy(out, payload_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return true;
  }
  // Without the padding behind it.
  bool Next(uint64_t bytes, Buffer* out) {
    if (bytes > left() || AlignFrame(bytes) > left()) return false;
    *out = payload_.Slice(position_, bytes);
    position_ += AlignFrame(bytes);
    return true;
  }

 private:
  const Buffer& payload_;
  size_t position_ = 0;
};

// The payload is a block of our own that nobody else reads yet. Unsigned, so that any bytes may be
// there; FromBuffers looks at the result.
void RebaseOffsets(const Buffer& offsets) {
  auto* const numbers = reinterpret_cast<uint32_t*>(const_cast<uint8_t*>(offsets.data()));
  const uint32_t base = numbers[0];
  if (base == 0) return;
  const size_t count = offsets.size() / sizeof(uint32_t);
  for (size_t i = 0; i < count; ++i) numbers[i] -= base;
}

absl::Status CheckDirectory(const Schema& schema, const WireBatch& batch) {
  if (batch.columns != schema.num_fields()) {
    return absl::DataLossError(
        absl::StrCat(batch.columns, " columns instead of ", schema.num_fields()));
  }
  if (batch.rows > kMaxColumnBytes) return absl::DataLossError("more rows than a batch may have");
  if (batch.flags > (kEventTimes | kChangeKinds)) return absl::DataLossError("unknown flags");
  return absl::OkStatus();
}

absl::Status ReadColumn(const WireColumn& wire, size_t rows, Reader& reader, Column* out) {
  const std::optional<DataType> type = DataTypeFromNumber(wire.type);
  if (!type.has_value()) return absl::DataLossError(absl::StrCat("no type has number ", wire.type));
  if (wire.flags > (kValidity | kOffsets)) return absl::DataLossError("unknown flags");
  const bool has_offsets = (wire.flags & kOffsets) != 0;
  if (has_offsets != (IsVariableWidth(*type) && rows > 0)) {
    return absl::DataLossError("offsets are there or missing against the type");
  }
  if (!IsVariableWidth(*type) && wire.value_bytes != rows * FixedWidth(*type)) {
    return absl::DataLossError(
        absl::StrCat(wire.value_bytes, " bytes of values for ", rows, " rows"));
  }
  ColumnBuffers buffers;
  bool fits = true;
  if ((wire.flags & kValidity) != 0) fits = reader.Next(ValidityBytes(rows), &buffers.validity);
  if (fits && has_offsets) {
    fits = reader.Next((rows + 1) * sizeof(int32_t), &buffers.offsets);
    if (fits) RebaseOffsets(buffers.offsets);
  }
  fits = fits && reader.Next(wire.value_bytes, &buffers.values);
  if (!fits) return absl::DataLossError("the frame ends within a column");
  return Column::FromBuffers(*type, rows, std::move(buffers), out);
}

absl::Status ReadExtras(const WireBatch& batch, Reader& reader, BatchExtras* out) {
  if ((batch.flags & kEventTimes) != 0 &&
      !reader.Next(batch.rows * sizeof(int64_t), &out->event_times)) {
    return absl::DataLossError("the frame ends within the event times");
  }
  if ((batch.flags & kChangeKinds) == 0) return absl::OkStatus();
  if (!reader.Next(batch.rows, &out->change_kinds)) {
    return absl::DataLossError("the frame ends within the change kinds");
  }
  uint8_t highest = 0;
  for (size_t i = 0; i < batch.rows; ++i) {
    highest = std::max(highest, out->change_kinds.data()[i]);
  }
  if (highest > static_cast<uint8_t>(ChangeKind::kDelete)) {
    return absl::DataLossError(absl::StrCat("a change kind is ", highest));
  }
  return absl::OkStatus();
}

}  // namespace

BatchLayout::BatchLayout(const Batch& batch) : batch_(batch) {
  parts_.reserve(batch.num_columns() * 2 + 2);
  value_bytes_.reserve(batch.num_columns());
  payload_bytes_ = directory_bytes();
  for (const Column& column : batch.columns()) {
    if (column.has_nulls()) {
      Add(column.buffers().validity.Slice(0, ValidityBytes(column.length())));
    }
    if (SendsOffsets(column)) {
      Add(column.buffers().offsets.Slice(0, (column.length() + 1) * sizeof(int32_t)));
    }
    Buffer values = ValuesOf(column);
    value_bytes_.push_back(values.size());
    Add(std::move(values));
  }
  if (batch.event_times() != nullptr) Add(batch.extras().event_times);
  if (batch.change_kinds() != nullptr) Add(batch.extras().change_kinds);
}

void BatchLayout::Add(Buffer part) {
  payload_bytes_ += AlignFrame(part.size());
  parts_.push_back(std::move(part));
}

size_t BatchLayout::directory_bytes() const {
  return sizeof(WireBatch) + batch_.num_columns() * sizeof(WireColumn);
}

void BatchLayout::WriteDirectory(uint8_t* out) const {
  WireBatch batch = {batch_.num_rows(), static_cast<uint32_t>(batch_.num_columns()), 0};
  if (batch_.event_times() != nullptr) batch.flags |= kEventTimes;
  if (batch_.change_kinds() != nullptr) batch.flags |= kChangeKinds;
  std::memcpy(out, &batch, sizeof(batch));
  out += sizeof(batch);
  for (size_t i = 0; i < batch_.num_columns(); ++i) {
    const Column& column = batch_.column(i);
    WireColumn wire = {};
    wire.type = static_cast<uint8_t>(column.type());
    if (column.has_nulls()) wire.flags |= kValidity;
    if (SendsOffsets(column)) wire.flags |= kOffsets;
    wire.value_bytes = value_bytes_[i];
    std::memcpy(out, &wire, sizeof(wire));
    out += sizeof(wire);
  }
}

absl::StatusOr<Batch> BatchLayout::Decode(const SchemaPtr& schema, const Buffer& payload) {
  Reader reader(payload);
  WireBatch batch;
  if (!reader.Read(&batch)) return absl::DataLossError("the frame ends within its directory");
  WEIR_RETURN_IF_ERROR(CheckDirectory(*schema, batch));
  std::vector<WireColumn> directory(batch.columns);
  for (WireColumn& column : directory) {
    if (!reader.Read(&column)) return absl::DataLossError("the frame ends within its directory");
  }
  std::vector<Column> columns(batch.columns);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (absl::Status status = ReadColumn(directory[i], batch.rows, reader, &columns[i]);
        !status.ok()) {
      return Annotate(status, absl::StrCat("column ", i));
    }
  }
  BatchExtras extras;
  WEIR_RETURN_IF_ERROR(ReadExtras(batch, reader, &extras));
  if (reader.left() != 0) {
    return absl::DataLossError(absl::StrCat(reader.left(), " bytes behind the batch"));
  }
  if (absl::Status status = Batch::CheckColumns(*schema, columns, batch.rows); !status.ok()) {
    return absl::DataLossError(status.message());
  }
  return Batch(schema, std::move(columns), batch.rows, std::move(extras));
}

}  // namespace weir::taskmanager

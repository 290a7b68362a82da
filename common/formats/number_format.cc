#include "common/formats/number_format.h"

#include <bit>
#include <limits>

#include "absl/status/status.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr size_t kUuidLength = 36;

/// Payload bytes; 0 for kVoid.
size_t WireSize(NumberWire wire) {
  switch (wire) {
    case NumberWire::kInt16:
      return 2;
    case NumberWire::kInt32:
    case NumberWire::kFloat32:
      return 4;
    case NumberWire::kInt64:
    case NumberWire::kFloat64:
      return 8;
    case NumberWire::kUuid:
      return kUuidLength;
    case NumberWire::kVoid:
      return 0;
  }
  return 0;
}

uint64_t LoadBigEndian(const char* data, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(data[i]);
  return value;
}

void StoreBigEndian(uint64_t value, size_t size, char* data) {
  for (size_t i = size; i > 0; --i, value >>= 8) data[i - 1] = static_cast<char>(value & 0xff);
}

/// Copies the UUID in lower case; false unless it is 8-4-4-4-12 hexadecimal digits.
bool NormalizeUuid(std::string_view text, char* out) {
  if (text.size() != kUuidLength) return false;
  for (size_t i = 0; i < kUuidLength; ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !digit) return false;
    out[i] = c;
  }
  return true;
}

/// Appends the value; false when the bytes are no UUID.
bool AppendValue(NumberWire wire, const Payload& payload, ColumnBuilder& column) {
  switch (wire) {
    case NumberWire::kInt16:
      column.AppendInt32(static_cast<int16_t>(LoadBigEndian(payload.data, 2)));
      return true;
    case NumberWire::kInt32:
      column.AppendInt32(static_cast<int32_t>(LoadBigEndian(payload.data, 4)));
      return true;
    case NumberWire::kInt64:
      column.AppendInt64(static_cast<int64_t>(LoadBigEndian(payload.data, 8)));
      return true;
    case NumberWire::kFloat32: {
      const auto bits = static_cast<uint32_t>(LoadBigEndian(payload.data, 4));
      column.AppendFloat64(static_cast<double>(std::bit_cast<float>(bits)));
      return true;
    }
    case NumberWire::kFloat64:
      column.AppendFloat64(std::bit_cast<double>(LoadBigEndian(payload.data, 8)));
      return true;
    case NumberWire::kUuid: {
      char uuid[kUuidLength];
      if (!NormalizeUuid({payload.data, payload.size}, uuid)) return false;
      column.AppendBytes({uuid, kUuidLength});
      return true;
    }
    case NumberWire::kVoid:
      return false;
  }
  return false;
}

/// Why a payload cannot be read, or an empty text.
std::string Append(NumberWire wire, const Payload& payload, const Field& field,
                   ColumnBuilder& column) {
  if (payload.null) {
    if (!field.nullable) {
      return "the payload is null, but field \"" + field.name + "\" is not nullable";
    }
    column.AppendNull();
    return "";
  }
  if (wire == NumberWire::kVoid) return "the payload should be null";
  if (payload.size != WireSize(wire)) {
    return "the payload of field \"" + field.name + "\" has " + std::to_string(payload.size) +
           " bytes instead of " + std::to_string(WireSize(wire));
  }
  if (!AppendValue(wire, payload, column)) return "field \"" + field.name + "\": not a UUID";
  return "";
}

absl::Status CheckSchema(const Schema& schema, NumberWire wire) {
  const bool one = schema.num_fields() == 1;
  if (one && wire == NumberWire::kVoid && schema.field(0).nullable) return absl::OkStatus();
  if (one && wire == NumberWire::kInt64 && schema.field(0).type == DataType::kTimestamp) {
    return absl::OkStatus();
  }
  if (one && wire == NumberWire::kVoid) {
    return absl::InvalidArgumentError("the void format needs a nullable field, not " +
                                      schema.ToString());
  }
  return CheckSingleColumn(schema, NumberWireType(wire), "the format");
}

/// Encodes one value that is not null; false when the form cannot hold it.
bool StoreValue(NumberWire wire, const Column& column, size_t row, char* to) {
  switch (wire) {
    case NumberWire::kInt16: {
      const int32_t value = column.int32s()[row];
      if (value < std::numeric_limits<int16_t>::min() ||
          value > std::numeric_limits<int16_t>::max()) {
        return false;
      }
      StoreBigEndian(static_cast<uint64_t>(value), 2, to);
      return true;
    }
    case NumberWire::kInt32:
      StoreBigEndian(static_cast<uint64_t>(column.int32s()[row]), 4, to);
      return true;
    case NumberWire::kInt64:
      StoreBigEndian(static_cast<uint64_t>(column.int64s()[row]), 8, to);
      return true;
    case NumberWire::kFloat32:
      StoreBigEndian(std::bit_cast<uint32_t>(static_cast<float>(column.float64s()[row])), 4, to);
      return true;
    case NumberWire::kFloat64:
      StoreBigEndian(std::bit_cast<uint64_t>(column.float64s()[row]), 8, to);
      return true;
    case NumberWire::kUuid:
      return NormalizeUuid(column.StringAt(row), to);
    case NumberWire::kVoid:
      return false;
  }
  return false;
}

}  // namespace

DataType NumberWireType(NumberWire wire) {
  switch (wire) {
    case NumberWire::kInt16:
    case NumberWire::kInt32:
      return DataType::kInt32;
    case NumberWire::kInt64:
      return DataType::kInt64;
    case NumberWire::kFloat32:
    case NumberWire::kFloat64:
      return DataType::kFloat64;
    case NumberWire::kUuid:
      return DataType::kString;
    case NumberWire::kVoid:
      return DataType::kBytes;
  }
  return DataType::kBytes;
}

absl::Status NumberDeserializer::Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                                             std::vector<DecodeError>* failed) {
  WEIR_RETURN_IF_ERROR(CheckSchema(*out.schema(), wire_));
  const Field& field = out.schema()->field(0);
  ColumnBuilder& column = out.column(0);
  column.Reserve(payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) {
    std::string reason = Append(wire_, payloads[i], field, column);
    if (!reason.empty()) {
      failed->push_back({i, std::move(reason)});
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

absl::Status NumberSerializer::Serialize(const Batch& batch, ByteRows* out) {
  WEIR_RETURN_IF_ERROR(CheckSchema(*batch.schema(), wire_));
  const Column& column = batch.column(0);
  const size_t before = out->size();
  out->Reserve(batch.num_rows(), batch.num_rows() * WireSize(wire_));
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    if (column.IsNull(row) || wire_ == NumberWire::kVoid) {
      out->AppendNull();
      continue;
    }
    char* to = out->Grow(WireSize(wire_));
    if (!StoreValue(wire_, column, row, to)) {
      out->Truncate(before);
      return absl::InvalidArgumentError(
          "field \"" + batch.schema()->field(0).name + "\", row " + std::to_string(row) +
          (wire_ == NumberWire::kUuid ? ": not a UUID" : ": outside of the range of a short"));
    }
    out->Commit(WireSize(wire_));
  }
  return absl::OkStatus();
}

}  // namespace weir

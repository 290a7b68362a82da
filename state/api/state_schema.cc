#include "state/api/state_schema.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "state/api/state_codec.h"

namespace weir {
namespace {

using Kind = StateSchema::Kind;

constexpr int kMaxDepth = 32;

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInt8:
      return "int8";
    case Kind::kInt16:
      return "int16";
    case Kind::kInt32:
      return "int32";
    case Kind::kInt64:
      return "int64";
    case Kind::kUint8:
      return "uint8";
    case Kind::kUint16:
      return "uint16";
    case Kind::kUint32:
      return "uint32";
    case Kind::kUint64:
      return "uint64";
    case Kind::kFloat:
      return "float";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTimestamp:
      return "timestamp";
    case Kind::kDuration:
      return "duration";
    case Kind::kOptional:
      return "optional";
    case Kind::kList:
      return "list";
    case Kind::kPair:
      return "pair";
    case Kind::kRecord:
      return "record";
    case Kind::kCustom:
      return "custom";
  }
  return "unknown";
}

size_t PartsOf(Kind kind) {
  if (kind == Kind::kOptional || kind == Kind::kList) return 1;
  return kind == Kind::kPair ? 2 : 0;
}

bool IsSigned(Kind kind) { return kind >= Kind::kInt8 && kind <= Kind::kInt64; }
bool IsUnsigned(Kind kind) { return kind >= Kind::kUint8 && kind <= Kind::kUint64; }

/// Every value of `from` is one of `to`.
bool Widens(Kind from, Kind to) {
  if (IsSigned(from)) return IsSigned(to) && from < to;
  return IsUnsigned(from) && IsUnsigned(to) && from < to;
}

bool ReadSchema(ByteReader& in, int depth, StateSchema* schema) {
  uint8_t kind = 0;
  if (depth > kMaxDepth || !in.ReadFixed(&kind)) return false;
  if (kind < static_cast<uint8_t>(Kind::kBool) || kind > static_cast<uint8_t>(Kind::kCustom)) {
    return false;
  }
  *schema = StateSchema{.kind = static_cast<Kind>(kind)};
  absl::string_view name;
  if (schema->kind == Kind::kDuration || schema->kind == Kind::kCustom) {
    if (!in.ReadSized(&name)) return false;
    schema->name = std::string(name);
  }
  uint64_t parts = PartsOf(schema->kind);
  if (schema->kind == Kind::kRecord) {
    // Without a field a value would have no bytes.
    if (!in.ReadVarint(&parts) || parts == 0 || parts > in.left()) return false;
  }
  for (; parts > 0; --parts) {
    if (schema->kind == Kind::kRecord) {
      if (!in.ReadSized(&name)) return false;
      schema->fields.emplace_back(name);
    }
    if (!ReadSchema(in, depth + 1, &schema->parts.emplace_back())) return false;
  }
  return true;
}

std::string WhereIs(const std::string& path) {
  return path.empty() ? std::string("it") : absl::StrCat("field '", path, "'");
}

std::string Below(const std::string& path, const std::string& field) {
  return path.empty() ? field : absl::StrCat(path, ".", field);
}

absl::StatusOr<SchemaCompatibility> Compare(const StateSchema& written, const StateSchema& wanted,
                                            const std::string& path);

absl::StatusOr<SchemaCompatibility> CompareFields(const StateSchema& written,
                                                  const StateSchema& wanted,
                                                  const std::string& path) {
  SchemaCompatibility result =
      written.fields == wanted.fields ? SchemaCompatibility::kSame : SchemaCompatibility::kMigrated;
  for (size_t i = 0; i < wanted.fields.size(); ++i) {
    const auto found = std::find(written.fields.begin(), written.fields.end(), wanted.fields[i]);
    if (found == written.fields.end()) continue;
    const auto at = static_cast<size_t>(found - written.fields.begin());
    const auto part = Compare(written.parts[at], wanted.parts[i], Below(path, wanted.fields[i]));
    if (!part.ok()) return part;
    result = std::max(result, *part);
  }
  return result;
}

absl::StatusOr<SchemaCompatibility> Compare(const StateSchema& written, const StateSchema& wanted,
                                            const std::string& path) {
  if (Widens(written.kind, wanted.kind)) return SchemaCompatibility::kMigrated;
  const bool alike = written.kind == wanted.kind && written.name == wanted.name &&
                     written.parts.size() == wanted.parts.size();
  if (written.kind == Kind::kRecord && wanted.kind == Kind::kRecord) {
    return CompareFields(written, wanted, path);
  }
  if (!alike) {
    return absl::InvalidArgumentError(
        absl::StrCat(WhereIs(path), " was ", written.ToString(), " and is ", wanted.ToString()));
  }
  SchemaCompatibility result = SchemaCompatibility::kSame;
  for (size_t i = 0; i < wanted.parts.size(); ++i) {
    const std::string part_path =
        wanted.kind == Kind::kPair ? Below(path, i == 0 ? "first" : "second") : path;
    const auto part = Compare(written.parts[i], wanted.parts[i], part_path);
    if (!part.ok()) return part;
    result = std::max(result, *part);
  }
  return result;
}

size_t FixedSizeOf(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt8:
    case Kind::kUint8:
      return 1;
    case Kind::kInt16:
    case Kind::kUint16:
      return 2;
    case Kind::kInt32:
    case Kind::kUint32:
    case Kind::kFloat:
      return 4;
    case Kind::kInt64:
    case Kind::kUint64:
    case Kind::kDouble:
    case Kind::kTimestamp:
    case Kind::kDuration:
      return 8;
    default:
      return 0;
  }
}

template <class From, class To>
bool ReadAs(ByteReader& in, To* value) {
  From read{};
  if (!in.ReadFixed(&read)) return false;
  *value = read;
  return true;
}

}  // namespace

std::string StateSchema::ToString() const {
  std::string text = NameOf(kind);
  if (!name.empty()) absl::StrAppend(&text, "(", name, ")");
  if (parts.empty()) return text;
  const bool record = kind == Kind::kRecord;
  text += record ? "{" : "<";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += ", ";
    if (record) absl::StrAppend(&text, fields[i], " ");
    text += parts[i].ToString();
  }
  text += record ? "}" : ">";
  return text;
}

void StateSchema::AppendTo(std::string* out) const {
  AppendFixed(static_cast<uint8_t>(kind), out);
  if (kind == Kind::kDuration || kind == Kind::kCustom) AppendSized(name, out);
  if (kind == Kind::kRecord) AppendVarint(parts.size(), out);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (kind == Kind::kRecord) AppendSized(fields[i], out);
    parts[i].AppendTo(out);
  }
}

bool StateSchema::ReadFrom(ByteReader& in, StateSchema* schema) {
  return ReadSchema(in, 0, schema);
}

absl::StatusOr<SchemaCompatibility> CompareSchemas(const StateSchema& written,
                                                   const StateSchema& wanted) {
  return Compare(written, wanted, "");
}

bool SkipValue(const StateSchema& schema, ByteReader& in) {
  absl::string_view bytes;
  switch (schema.kind) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kCustom:
      return in.ReadSized(&bytes);
    case Kind::kOptional: {
      bool present = false;
      if (!StateCodec<bool>::Read(in, nullptr, &present)) return false;
      return !present || SkipValue(schema.parts[0], in);
    }
    case Kind::kList: {
      uint64_t count = 0;
      if (!in.ReadVarint(&count) || count > in.left()) return false;
      for (; count > 0; --count) {
        if (!SkipValue(schema.parts[0], in)) return false;
      }
      return true;
    }
    case Kind::kPair:
    case Kind::kRecord:
      return std::all_of(schema.parts.begin(), schema.parts.end(),
                         [&in](const StateSchema& part) { return SkipValue(part, in); });
    default:
      return in.ReadBytes(FixedSizeOf(schema.kind), &bytes);
  }
}

namespace internal {

bool ReadSignedState(ByteReader& in, StateSchema::Kind written, int64_t* value) {
  switch (written) {
    case Kind::kInt8:
      return ReadAs<int8_t>(in, value);
    case Kind::kInt16:
      return ReadAs<int16_t>(in, value);
    case Kind::kInt32:
      return ReadAs<int32_t>(in, value);
    case Kind::kInt64:
      return ReadAs<int64_t>(in, value);
    default:
      return false;
  }
}

bool ReadUnsignedState(ByteReader& in, StateSchema::Kind written, uint64_t* value) {
  switch (written) {
    case Kind::kUint8:
      return ReadAs<uint8_t>(in, value);
    case Kind::kUint16:
      return ReadAs<uint16_t>(in, value);
    case Kind::kUint32:
      return ReadAs<uint32_t>(in, value);
    case Kind::kUint64:
      return ReadAs<uint64_t>(in, value);
    default:
      return false;
  }
}

}  // namespace internal
}  // namespace weir

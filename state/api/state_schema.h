#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/types/byte_reader.h"

namespace weir {

/// How the bytes of a value are to be read: a tree of types, written into every snapshot beside the
/// values, so that a job with other types can tell whether and how it reads them.
/// Format: docs/formats/keyed-state-snapshot.md.
///
/// Threads: a plain value.
struct StateSchema {
  /// The numbers are on disk.
  enum class Kind : uint8_t {
    kBool = 1,
    kInt8 = 2,
    kInt16 = 3,
    kInt32 = 4,
    kInt64 = 5,
    kUint8 = 6,
    kUint16 = 7,
    kUint32 = 8,
    kUint64 = 9,
    kFloat = 10,
    kDouble = 11,
    kString = 12,
    kBytes = 13,
    kTimestamp = 14,
    kDuration = 15,  // name: its unit in seconds, "1/1000"
    kOptional = 16,  // one part
    kList = 17,      // one part
    kPair = 18,      // two parts
    kRecord = 19,    // a part and a name per field
    kCustom = 20,    // of a codec outside Weir; name: what that codec says, with a version
  };

  Kind kind = Kind::kBool;
  // Initialised, or every {.kind = ...} gives a warning.
  std::string name{};
  std::vector<StateSchema> parts{};
  std::vector<std::string> fields{};

  bool operator==(const StateSchema&) const = default;

  /// "record{id int64, tags list<string>}".
  std::string ToString() const;
  void AppendTo(std::string* out) const;
  /// False for what AppendTo does not write, and for trees deeper than 32.
  static bool ReadFrom(ByteReader& in, StateSchema* schema);
};

enum class SchemaCompatibility {
  kSame,
  kMigrated,  // can be read: fields were added, dropped or moved, or integers became wider
};

/// Whether values written as `written` can be read as `wanted`; INVALID_ARGUMENT with the first
/// difference in one clause ("field 'id' was string and is int64").
absl::StatusOr<SchemaCompatibility> CompareSchemas(const StateSchema& written,
                                                   const StateSchema& wanted);

/// Passes over one value; false when the bytes are not one. A custom part cannot be passed over
/// unless it is in the form of AppendSized.
bool SkipValue(const StateSchema& schema, ByteReader& in);

}  // namespace weir

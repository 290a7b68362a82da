#include "state/keyed/state_compatibility.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"

namespace weir {
namespace {

const char* NameOf(StateKind kind) {
  switch (kind) {
    case StateKind::kValue:
      return "a value";
    case StateKind::kList:
      return "a list";
    case StateKind::kMap:
      return "a map";
    case StateKind::kReducing:
      return "a reducing state";
    case StateKind::kAggregating:
      return "an aggregating state";
  }
  return "of an unknown kind";
}

absl::Status Refuse(const std::string& state, absl::string_view difference) {
  return WithFailurePolicy(absl::InvalidArgumentError(absl::StrCat(
                               "state '", state, "' cannot be restored: ", difference)),
                           FailurePolicy::kFailJob);
}

// All integers of one signedness have the same bytes as keys.
bool SameKeyBytes(const StateSchema& written, const StateSchema& wanted) {
  if (written == wanted) return true;
  return written.parts.empty() && wanted.parts.empty() && CompareSchemas(written, wanted).ok();
}

}  // namespace

absl::StatusOr<SchemaCompatibility> CheckStateCompatible(const SnapshotState& written,
                                                         const StateDefinition& wanted) {
  if (written.kind != wanted.kind) {
    return Refuse(wanted.name,
                  absl::StrCat("it was ", NameOf(written.kind), " and is ", NameOf(wanted.kind)));
  }
  if (wanted.kind == StateKind::kMap &&
      !SameKeyBytes(written.map_key_schema, wanted.map_key_schema)) {
    return Refuse(wanted.name,
                  absl::StrCat("the key of its map was ", written.map_key_schema.ToString(),
                               " and is ", wanted.map_key_schema.ToString()));
  }
  absl::StatusOr<SchemaCompatibility> schemas = CompareSchemas(written.schema, wanted.schema);
  if (!schemas.ok()) return Refuse(wanted.name, schemas.status().message());
  return schemas;
}

absl::Status CheckKeysCompatible(const StateSchema& written, const StateSchema& wanted) {
  if (SameKeyBytes(written, wanted)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the state was keyed by ", written.ToString(),
                                                    " and the job keys by ", wanted.ToString()));
}

SnapshotState DescribeState(const StateDefinition& definition) {
  return {definition.name, definition.kind, definition.has_ttl(), definition.schema,
          definition.map_key_schema};
}

}  // namespace weir

#pragma once

#include "absl/status/statusor.h"

#include "state/api/state_schema.h"
#include "state/api/state_table.h"
#include "state/keyed/snapshot_format.h"

namespace weir {

/// Whether a state of a snapshot can be taken as a state that is registered under its name; how, in
/// the result. INVALID_ARGUMENT: one sentence with the state, what was and what is; the job FAILS,
/// since no restart changes it.
absl::StatusOr<SchemaCompatibility> CheckStateCompatible(const SnapshotState& written,
                                                         const StateDefinition& wanted);

/// Whether keys of `written` have the same bytes as keys of `wanted`: the same type, or an integer
/// that has become wider. FAILED_PRECONDITION: one sentence.
absl::Status CheckKeysCompatible(const StateSchema& written, const StateSchema& wanted);

/// What a snapshot says about a state.
SnapshotState DescribeState(const StateDefinition& definition);

}  // namespace weir

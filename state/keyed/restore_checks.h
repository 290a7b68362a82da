#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "common/types/key_group.h"
#include "state/keyed/keyed_state_backend.h"

namespace weir {

/// Whether state that was written so can be restored into a backend with these options.
/// FAILED_PRECONDITION: another max parallelism, other keys.
absl::Status CheckSameKeying(const KeyedStateBackend::Options& options, uint32_t max_parallelism,
                             const StateSchema& key_schema);

/// Whether a restored key lies in the group it belongs to. DATA_LOSS.
absl::Status CheckKeyInGroup(const KeyedStateBackend::Options& options, absl::string_view key,
                             uint32_t group);

/// Whether each group of the range is in exactly one of the parts. FAILED_PRECONDITION.
absl::Status CheckGroupsCovered(KeyGroupRange range, absl::Span<const KeyGroupRange> parts);

}  // namespace weir

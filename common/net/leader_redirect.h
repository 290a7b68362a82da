#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

/// What a standby answers to a client: FAILED_PRECONDITION, carrying the leader's address as a
/// payload that survives the way over gRPC. An empty address: the leader is not known (yet).
absl::Status NotLeaderError(absl::string_view leader_address);

/// The address such an answer names ("" when it names none); nullopt for every other status.
std::optional<std::string> LeaderAddressOf(const absl::Status& status);

}  // namespace weir

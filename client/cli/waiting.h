#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "client/cli/verb.h"

namespace weir::cli {

/// --wait and --no-wait, for a verb that asks a job to change its state. `wait_help` says how long
/// --wait waits; `waits`: that is the default.
std::vector<FlagSpec> WaitFlags(const std::string& wait_help, bool waits);

/// Whether to wait, when `waits` is the default.
bool IsWaiting(const ParsedFlags& flags, bool waits);

/// INVALID_ARGUMENT when both were given.
absl::Status CheckWaitFlags(const ParsedFlags& flags);

/// With --wait until the job is in one of these states; then prints its state.
absl::Status PrintState(VerbContext& context, const std::string& job,
                        const std::set<std::string>& awaited);

/// For cancel and stop: as PrintState, of the last states.
absl::Status FinishStopping(VerbContext& context, const std::string& job);

}  // namespace weir::cli

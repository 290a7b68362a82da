#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace weir {

/// Where a user's files go: freedesktop.org's XDG Base Directory Specification 0.8. `variables` is
/// the process's environment. INVALID_ARGUMENT, one sentence, when it names no directory.

/// "weir" below $XDG_CONFIG_HOME, else below ~/.config.
absl::StatusOr<std::string> ConfigDirectory(const std::map<std::string, std::string>& variables);

/// "weir" below $XDG_STATE_HOME, else below ~/.local/state.
absl::StatusOr<std::string> StateDirectory(const std::map<std::string, std::string>& variables);

}  // namespace weir

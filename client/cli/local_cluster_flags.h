#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/cli/verb.h"

namespace weir::cli {

/// How long servers of a local cluster may take to end before they are killed.
inline constexpr absl::Duration kLocalClusterGrace = absl::Seconds(20);

/// --dir, which all verbs of `weir local-cluster` have.
FlagSpec LocalClusterDirectoryFlag();

/// The directory that --dir names, absolute, or the usual one.
absl::StatusOr<std::string> LocalClusterDirectory(const ParsedFlags& flags,
                                                  const CliEnvironment& environment);

}  // namespace weir::cli

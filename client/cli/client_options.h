#pragma once

#include "absl/status/statusor.h"

#include "client/cli/cli.h"
#include "client/cli/flags.h"
#include "client/cluster_client.h"

namespace weir::cli {

/// Which cluster, and how to reach it. An option comes from, the first that has it:
///   its flag; the context that --context names; its environment variable WEIR_...; the file of
///   --config or WEIR_CONFIG; the current context; its default.
/// A context that is asked for by name goes before the environment: who types it means it.
/// INVALID_ARGUMENT, one sentence, also for files and variables that are wrong.
absl::StatusOr<ClusterClientOptions> ReadClientOptions(const ParsedFlags& flags,
                                                       const CliEnvironment& environment);

}  // namespace weir::cli

#pragma once

#include <optional>

#include "absl/status/status.h"

#include "common/config/config.h"

namespace weir {

/// The first steps of every server process.
struct ProcessStart {
  Config config;
  std::optional<int> exit_code;  // set: end with it (help was shown, or the options are wrong)
};

/// Reads flags, environment and file, answers --help and --version, checks required options, and
/// opens the log. Errors go to stderr as one sentence; exit code 2. For main() only.
ProcessStart StartProcess(const char* program, int argc, const char* const* argv);

/// INVALID_ARGUMENT unless storage.root is an absolute path: each process has a folder of its own.
absl::Status CheckStorageRoot(const Config& config);

/// 0 for OK; else writes "<program>: <sentence>" to stderr and returns 1 (2 for a user's mistake).
int ExitCodeFor(const char* program, const absl::Status& status);

}  // namespace weir

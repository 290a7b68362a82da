#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/cluster_client.h"
#include "common/base/random.h"
#include "common/time/clock.h"

namespace weir::cli {

/// A public interface: never renumbered.
enum ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kConflict = 4,
  kAuthentication = 5,
  kUnreachable = 6,
  kTimeout = 7,
};

ExitCode ExitCodeOf(const absl::Status& status);

/// The world around the command line; handed in by main() or by a test.
struct CliEnvironment {
  std::map<std::string, std::string> variables;
  std::function<absl::StatusOr<std::unique_ptr<ClusterClient>>(ClusterClientOptions)> make_client;
  Random& random;
  const Clock& clock;
  std::function<void(absl::Duration)> pause;
  std::ostream& out;
  std::ostream& error;
  bool out_is_terminal = false;    // then states may have colours
  bool error_is_terminal = false;  // then progress is shown
  std::string program_directory;   // where the servers' programs are, too
};

/// Runs `weir <arguments>`. Results go to `out`; an error is one sentence on `error`.
ExitCode RunCli(const std::vector<std::string>& given, CliEnvironment& environment);

}  // namespace weir::cli

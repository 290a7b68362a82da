#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

/// A process that outlives the one that started it. The kernel gives a pid out again, so a pid that
/// was written down is only good together with the time its process started.
struct BackgroundProcess {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // since boot: field 22 of /proc/<pid>/stat
};

/// argv[0] is an absolute path. In a session of its own, without a terminal and in the directory /;
/// both outputs are appended to `log_file`. UNKNOWN, one sentence, when it cannot be started; a
/// program that ends at once has been started.
absl::StatusOr<BackgroundProcess> StartInBackground(
    const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
    const std::string& log_file);

/// False also when another process has the pid by now, or it has ended and nobody has asked for its
/// exit code yet.
bool IsRunning(const BackgroundProcess& process);

/// SIGTERM to all that run; SIGKILL to those that are still there after `grace`. Returns those that
/// had to be killed. Blocks until all have ended.
std::vector<BackgroundProcess> EndProcesses(const std::vector<BackgroundProcess>& processes,
                                            absl::Duration grace);

}  // namespace weir

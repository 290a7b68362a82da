#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir::taskmanager {

/// A program to start. Paths are absolute. The process sees this environment and nothing of ours;
/// its standard input is empty.
struct ProcessSpec {
  std::string binary;
  std::vector<std::string> arguments;  // without argv[0]
  std::map<std::string, std::string> environment;
  std::string working_directory;    // empty: ours
  std::string log_file;             // gets both output streams, appended; its directory is there
  std::string output_file;          // what the process writes to descriptor 3; empty: closed
  uint64_t memory_limit_bytes = 0;  // resident; killed beyond it; 0: none
  std::string memory_limit_option;  // what sets the limit, for the reason; may be empty
};

/// How a process ended, for people: "exited with code 0", "exited with code 3: <last line of its
/// log>", "killed by signal 9 (SIGKILL)", "killed by its TaskManager: it used 2.1 GiB of 2.0 GiB of
/// memory (taskmanager.worker-memory-limit)", "could not be started: Exec format error", "crashed:
/// SIGSEGV in operator 'Parse'" when its log has a crash report. A SIGKILL that was not ours goes
/// on with "; maybe the kernel's, out of memory: ..." when the kernel counts such a kill.
struct ProcessExit {
  std::string reason;
  int code = -1;         // -1: it did not exit by itself
  int start_error = 0;   // errno, when it could not be started
  bool crashed = false;  // the crash report is in its log
};

/// Starts processes and tells how they end.
///
/// Threads: everything on one executor; callbacks are posted there. Nothing blocks.
/// Ownership: all processes still running are killed when the launcher is destroyed; no callback
/// follows then.
class ProcessLauncher {
 public:
  using LaunchId = uint64_t;  // never used again, unlike a pid

  struct Callbacks {
    std::function<void(uint64_t pid)> on_started;
    std::function<void(const ProcessExit&)> on_exit;  // exactly once; last
  };

  virtual ~ProcessLauncher() = default;
  virtual LaunchId Launch(ProcessSpec spec, Callbacks callbacks) = 0;
  /// SIGTERM to the process: it may wind down, and has to end by itself. Nothing when it has ended.
  virtual void Terminate(LaunchId launch) = 0;
  /// SIGKILL to the process and its process group; on_exit follows. Nothing when it has ended.
  virtual void Kill(LaunchId launch) = 0;
};

/// Of all environment variables those that a job may see: PATH, HOME, TZ, LANG.
std::map<std::string, std::string> ScrubbedEnvironment(
    const std::map<std::string, std::string>& variables);

}  // namespace weir::taskmanager

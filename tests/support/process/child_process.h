#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

/// What ChildProcess::Start runs.
struct ChildProcessOptions {
  /// argv[0] is a path, or a name that is searched in PATH.
  std::vector<std::string> argv;
  /// Added to, or replacing, variables of this process's environment.
  std::map<std::string, std::string> environment;
  /// Empty: the working directory of this process.
  std::string working_directory;
  /// Gets both output streams, appended. Empty: they are kept in memory, apart from each other.
  std::string log_file;
  /// What the child reads from its standard input; nothing by default.
  std::string standard_input;
};

/// How a process ended and what it wrote.
struct ProcessResult {
  /// The exit code, or 128 + the signal's number.
  int exit_status = 0;
  std::string standard_output;
  std::string standard_error;
};

/// A real process started by a test: a Weir program, a script, a tool.
///
/// Ownership: the destructor kills the process with SIGKILL, if it still runs, and reaps it. The
/// process also gets SIGKILL when the *thread* that started it ends (PR_SET_PDEATHSIG), so that
/// nothing outlives a test that was killed: start processes from a thread that stays. Only the
/// process itself is reached, not its children.
/// Threads: one at a time. Of this process's file descriptors the child gets none.
/// Errors: INVALID_ARGUMENT for an empty argv, NOT_FOUND for a program that is not there, INTERNAL
/// when the kernel refuses.
class ChildProcess {
 public:
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(ChildProcessOptions options);

  /// Starts, waits for the end and returns what was written. DEADLINE_EXCEEDED (and the process is
  /// killed) after `timeout`.
  static absl::StatusOr<ProcessResult> RunToEnd(ChildProcessOptions options,
                                                absl::Duration timeout);

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  /// Stays the same after the end.
  pid_t pid() const { return pid_; }

  /// FAILED_PRECONDITION when the process has been reaped already.
  absl::Status Kill(int signal);

  /// The exit code, or 128 + signal number. DEADLINE_EXCEEDED when it still runs after `timeout`.
  /// May be called again after the end.
  absl::StatusOr<int> Wait(absl::Duration timeout);

  bool IsRunning();

  /// Everything written so far; with a log file both are the file's content.
  std::string StandardOutput() const;
  std::string StandardError() const;

 private:
  ChildProcess(pid_t pid, int pid_fd, int output_fd, int error_fd)
      : pid_(pid), pid_fd_(pid_fd), output_fd_(output_fd), error_fd_(error_fd) {}

  pid_t pid_;
  int pid_fd_;
  int output_fd_;
  int error_fd_;
  std::optional<int> exit_status_;
};

/// SIGKILL to any process of this user, say a worker that a TaskManager started; returns when it is
/// gone (its parent may still have to reap it). NOT_FOUND when there is no such process,
/// DEADLINE_EXCEEDED when it outlives the signal for `timeout`.
absl::Status KillAndAwaitEnd(pid_t pid, absl::Duration timeout);

}  // namespace weir

#include "tests/support/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"

extern char** environ;

namespace weir {
namespace {

absl::Status SystemError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

// glibc 2.36 declares pidfd_open without extern "C".
int OpenPidFd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

/// True when the process has ended before `deadline`.
bool AwaitEnd(int pid_fd, absl::Time deadline) {
  while (true) {
    const absl::Duration rest = std::max(deadline - absl::Now(), absl::ZeroDuration());
    pollfd end{pid_fd, POLLIN, 0};
    // Rounded up, so that a rest below 1 ms does not spin.
    const int64_t rest_ms = rest == absl::ZeroDuration() ? 0 : absl::ToInt64Milliseconds(rest) + 1;
    if (poll(&end, 1, static_cast<int>(std::min<int64_t>(rest_ms, 1 << 30))) > 0) return true;
    if (rest == absl::ZeroDuration()) return false;
  }
}

/// The descriptors a child is born with. Closes what is still its own.
struct ChildStreams {
  int input = -1;
  int output = -1;
  int error = -1;

  ~ChildStreams() {
    for (int fd : {input, output, error}) {
      if (fd >= 0) close(fd);
    }
  }
};

absl::Status OpenStreams(const ChildProcessOptions& options, ChildStreams& streams) {
  streams.input = memfd_create("standard-input", MFD_CLOEXEC);
  if (streams.input < 0) return SystemError("memfd_create");
  const std::string& text = options.standard_input;
  for (size_t written = 0; written < text.size();) {
    ssize_t count = write(streams.input, text.data() + written, text.size() - written);
    if (count < 0) return SystemError("cannot store the standard input");
    written += static_cast<size_t>(count);
  }
  lseek(streams.input, 0, SEEK_SET);
  if (options.log_file.empty()) {
    streams.output = memfd_create("standard-output", MFD_CLOEXEC);
    streams.error = memfd_create("standard-error", MFD_CLOEXEC);
  } else {
    streams.output = open(options.log_file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (streams.output < 0) return SystemError(absl::StrCat("cannot open ", options.log_file));
    streams.error = fcntl(streams.output, F_DUPFD_CLOEXEC, 3);
  }
  if (streams.output < 0 || streams.error < 0) return SystemError("cannot open output streams");
  return absl::OkStatus();
}

/// The environment of the child, as execvpe wants it: pointers into `storage`.
std::vector<char*> MergeEnvironment(const std::map<std::string, std::string>& added,
                                    std::vector<std::string>& storage) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string variable = *entry;
    if (added.count(variable.substr(0, variable.find('='))) == 0) {
      storage.push_back(std::move(variable));
    }
  }
  for (const auto& [name, value] : added) storage.push_back(absl::StrCat(name, "=", value));
  std::vector<char*> pointers;
  for (std::string& variable : storage) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Runs in the child between fork and exec: only what may be called there. `failure_fd` tells the
/// parent errno when the program cannot be started.
[[noreturn]] void BecomeProgram(const ChildStreams& streams, const char* working_directory,
                                pid_t parent, char* const* argv, char* const* environment,
                                int failure_fd) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  dup2(streams.input, STDIN_FILENO);
  dup2(streams.output, STDOUT_FILENO);
  dup2(streams.error, STDERR_FILENO);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (working_directory[0] == '\0' || chdir(working_directory) == 0) {
    execvpe(argv[0], argv, environment);
  }
  const int error = errno;
  if (write(failure_fd, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

/// errno of the failed exec, 0 when it went well (the pipe is closed by exec).
int ReadStartFailure(int fd) {
  int error = 0;
  ssize_t count;
  do {
    count = read(fd, &error, sizeof(error));
  } while (count < 0 && errno == EINTR);
  return count == sizeof(error) ? error : 0;
}

std::string ReadAll(int fd) {
  struct stat file_status {};
  if (fstat(fd, &file_status) != 0) return "";
  std::string text(static_cast<size_t>(file_status.st_size), '\0');
  ssize_t count = pread(fd, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(ChildProcessOptions options) {
  if (options.argv.empty()) return absl::InvalidArgumentError("a child process needs an argv");
  ChildStreams streams;
  WEIR_RETURN_IF_ERROR(OpenStreams(options, streams));
  std::vector<char*> argv;
  for (std::string& argument : options.argv) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  std::vector<char*> environment = MergeEnvironment(options.environment, variables);
  int failure_pipe[2];
  if (pipe2(failure_pipe, O_CLOEXEC) != 0) return SystemError("pipe2");

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeProgram(streams, options.working_directory.c_str(), parent, argv.data(),
                  environment.data(), failure_pipe[1]);
  }
  close(failure_pipe[1]);
  const int error = pid < 0 ? errno : ReadStartFailure(failure_pipe[0]);
  close(failure_pipe[0]);
  if (error != 0) {
    if (pid > 0) waitpid(pid, nullptr, 0);
    const std::string message =
        absl::StrCat("cannot start ", options.argv[0], ": ", strerror(error));
    return error == ENOENT ? absl::NotFoundError(message) : absl::InternalError(message);
  }
  const int pid_fd = OpenPidFd(pid);
  if (pid_fd < 0) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return SystemError("pidfd_open");
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(
      pid, pid_fd, std::exchange(streams.output, -1), std::exchange(streams.error, -1)));
}

absl::StatusOr<ProcessResult> ChildProcess::RunToEnd(ChildProcessOptions options,
                                                     absl::Duration timeout) {
  const std::string command = absl::StrJoin(options.argv, " ");
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<ChildProcess> process, Start(std::move(options)));
  absl::StatusOr<int> exit_status = process->Wait(timeout);
  if (!exit_status.ok()) {
    return absl::Status(exit_status.status().code(),
                        absl::StrCat(exit_status.status().message(), ": ", command,
                                     "; stderr: ", process->StandardError()));
  }
  return ProcessResult{*exit_status, process->StandardOutput(), process->StandardError()};
}

ChildProcess::~ChildProcess() {
  if (!exit_status_.has_value()) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(pid_fd_);
  close(output_fd_);
  close(error_fd_);
}

absl::Status ChildProcess::Kill(int signal) {
  if (exit_status_.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat("process ", pid_, " has ended already"));
  }
  if (kill(pid_, signal) != 0) return SystemError(absl::StrCat("kill of process ", pid_));
  return absl::OkStatus();
}

absl::StatusOr<int> ChildProcess::Wait(absl::Duration timeout) {
  if (!exit_status_.has_value()) {
    if (!AwaitEnd(pid_fd_, absl::Now() + timeout)) {
      return absl::DeadlineExceededError(
          absl::StrCat("process ", pid_, " still runs after ", absl::FormatDuration(timeout)));
    }
    int status = 0;
    if (waitpid(pid_, &status, 0) < 0) return SystemError("waitpid");
    exit_status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return *exit_status_;
}

bool ChildProcess::IsRunning() { return !Wait(absl::ZeroDuration()).ok(); }

std::string ChildProcess::StandardOutput() const { return ReadAll(output_fd_); }

std::string ChildProcess::StandardError() const { return ReadAll(error_fd_); }

absl::Status KillAndAwaitEnd(pid_t pid, absl::Duration timeout) {
  // The descriptor names this very process, also when its pid is used again.
  const int pid_fd = OpenPidFd(pid);
  if (pid_fd < 0) return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  const bool killed = syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, nullptr, 0) == 0;
  const bool ended = killed && AwaitEnd(pid_fd, absl::Now() + timeout);
  close(pid_fd);
  if (!killed) return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  if (ended) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("process ", pid, " outlives SIGKILL"));
}

}  // namespace weir

#include "taskmanager/agent/posix_process_launcher.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/exec/spawn.h"
#include "taskmanager/agent/process_exit.h"

namespace weir::taskmanager {
namespace {

constexpr int kTextFileBusyRetries = 50;
constexpr int kTextFileBusyPauseMs = 10;

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// 0 or errno.
int Spawn(const ProcessSpec& spec, pid_t* pid) {
  SpawnOptions options;
  options.argv = {spec.binary};
  options.argv.insert(options.argv.end(), spec.arguments.begin(), spec.arguments.end());
  options.environment = spec.environment;
  options.working_directory = spec.working_directory;
  options.log_file = spec.log_file;
  options.output_file = spec.output_file;
  for (int attempt = 0;; ++attempt) {
    const int error = SpawnProcess(options, pid);
    // Another child, not yet at its exec, may hold the descriptor the file was written through.
    if (error != ETXTBSY || attempt == kTextFileBusyRetries) return error;
    poll(nullptr, 0, kTextFileBusyPauseMs);
  }
}

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/statm"));
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  file >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// When memory runs out the kernel shall choose this process, not the one that starts it. Raising
// one's score needs no privilege; without proc(5) nothing is preferred.
void PreferToKill(pid_t pid) {
  constexpr int kMostLikely = 1000;
  std::ofstream(absl::StrCat("/proc/", pid, "/oom_score_adj")) << kMostLikely;
}

// Whether it is on its way out already: its sockets close before it can be waited for, and who sees
// that kills what is not ended by that kill. The seventh field of proc(5)'s stat, PF_EXITING.
bool IsEnding(pid_t pid) {
  constexpr unsigned kExiting = 0x4;
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string state;
  int64_t skipped = 0;
  unsigned flags = 0;
  fields >> state >> skipped >> skipped >> skipped >> skipped >> skipped >> flags;
  return (flags & kExiting) != 0;
}

}  // namespace

std::map<std::string, std::string> ScrubbedEnvironment(
    const std::map<std::string, std::string>& variables) {
  std::map<std::string, std::string> scrubbed;
  for (const char* name : {"PATH", "HOME", "TZ", "LANG"}) {
    const auto found = variables.find(name);
    if (found != variables.end()) scrubbed.insert(*found);
  }
  return scrubbed;
}

PosixProcessLauncher::PosixProcessLauncher(Executor& executor, PosixProcessLauncherOptions options)
    : executor_(executor),
      options_(std::move(options)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      oom_kills_(options_.kernel_files) {
  WEIR_CHECK(wake_fd_ >= 0) << "eventfd: " << strerror(errno);
}

PosixProcessLauncher::~PosixProcessLauncher() {
  for (const auto& [launch, child] : children_) KillGroup(child);
  for (const auto& [launch, child] : children_) {
    while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (child.pid_fd >= 0) close(child.pid_fd);
  }
  close(wake_fd_);
}

ProcessLauncher::LaunchId PosixProcessLauncher::Launch(ProcessSpec spec, Callbacks callbacks) {
  LaunchId launch = 0;
  {
    MutexLock lock(mutex_);
    launch = ++last_launch_;
  }
  Push({launch, Verb::kLaunch, std::move(spec), std::move(callbacks)});
  return launch;
}

void PosixProcessLauncher::Terminate(LaunchId launch) { Push({launch, Verb::kTerminate, {}, {}}); }

void PosixProcessLauncher::Kill(LaunchId launch) { Push({launch, Verb::kKill, {}, {}}); }

void PosixProcessLauncher::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_fd_, 1);
}

void PosixProcessLauncher::Push(Command command) {
  {
    MutexLock lock(mutex_);
    commands_.push_back(std::move(command));
  }
  eventfd_write(wake_fd_, 1);
}

int PosixProcessLauncher::Serve() {
  const sigset_t signals = EndSignals();
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  WEIR_CHECK(signal_fd >= 0) << "signalfd: " << strerror(errno);
  int signal = 0;
  while (signal == 0 && RunCommands()) {
    signal = WaitForEvent(signal_fd);
    ReapEnded();
    ReapLeftBehind();
    CheckMemory();
  }
  close(signal_fd);
  return signal;
}

bool PosixProcessLauncher::RunCommands() {
  std::vector<Command> commands;
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    commands.swap(commands_);
  }
  for (Command& command : commands) {
    const auto child = children_.find(command.launch);
    if (command.verb == Verb::kLaunch) {
      Start(std::move(command));
    } else if (child != children_.end() && command.verb == Verb::kTerminate) {
      kill(child->second.pid, SIGTERM);
    } else if (child != children_.end()) {
      child->second.killed = child->second.killed || !IsEnding(child->second.pid);
      KillGroup(child->second);
    }
  }
  return true;
}

void PosixProcessLauncher::Start(Command command) {
  Child child;
  child.spec = std::move(command.spec);
  child.callbacks = std::move(command.callbacks);
  oom_kills_.FindNew();  // what happened before this process was there is not its fate
  if (const int error = Spawn(child.spec, &child.pid); error != 0) {
    ProcessExit exit;
    exit.start_error = error;
    exit.reason = absl::StrCat("could not be started: ", strerror(error));
    executor_.Post([callbacks = std::move(child.callbacks), exit] { callbacks.on_exit(exit); });
    return;
  }
  PreferToKill(child.pid);
  child.pid_fd = static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0));
  WEIR_CHECK(child.pid_fd >= 0) << "pidfd_open: " << strerror(errno);
  if (child.callbacks.on_started) {
    executor_.Post([on_started = child.callbacks.on_started,
                    pid = static_cast<uint64_t>(child.pid)] { on_started(pid); });
  }
  children_.emplace(command.launch, std::move(child));
}

int PosixProcessLauncher::WaitForEvent(int signal_fd) {
  std::vector<pollfd> waits = {{wake_fd_, POLLIN, 0}, {signal_fd, POLLIN, 0}};
  bool limited = false;
  for (const auto& [launch, child] : children_) {
    waits.push_back({child.pid_fd, POLLIN, 0});
    limited = limited || child.spec.memory_limit_bytes > 0 || options_.memory_limit_bytes > 0;
  }
  const absl::Duration interval = options_.memory_check_interval / (near_limit_ ? 10 : 1);
  const int timeout_ms =
      limited ? static_cast<int>(std::max<int64_t>(absl::ToInt64Milliseconds(interval), 1)) : -1;
  if (poll(waits.data(), waits.size(), timeout_ms) <= 0) return 0;
  eventfd_t ignored = 0;
  eventfd_read(wake_fd_, &ignored);
  signalfd_siginfo info = {};
  if (read(signal_fd, &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return 0;
  return static_cast<int>(info.ssi_signo);
}

void PosixProcessLauncher::ReapEnded() {
  for (auto each = children_.begin(); each != children_.end();) {
    Child& child = each->second;
    siginfo_t info = {};
    const int result = waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG);
    if (result != 0 || info.si_pid == 0) {
      ++each;
      continue;
    }
    close(child.pid_fd);
    // What it started, and left behind, goes too: the group's id is not given away while it lives.
    kill(-child.pid, SIGKILL);
    ended_groups_.push_back(child.pid);
    ProcessExit exit = DescribeExit(info, child.spec.log_file);
    if (!child.kill_reason.empty()) {
      exit.reason = child.kill_reason;
    } else if (child.killed && info.si_code != CLD_EXITED && info.si_status == SIGKILL) {
      exit.reason = "ended by its TaskManager";
    } else if (info.si_code != CLD_EXITED && info.si_status == SIGKILL) {
      const std::string counter = oom_kills_.FindNew();
      if (!counter.empty()) {
        absl::StrAppend(&exit.reason, "; maybe the kernel's, out of memory: 'oom_kill' of ",
                        counter, " has risen");
      }
    }
    executor_.Post([callbacks = std::move(child.callbacks), exit] { callbacks.on_exit(exit); });
    each = children_.erase(each);
  }
}

void PosixProcessLauncher::ReapLeftBehind() {
  std::erase_if(ended_groups_, [](pid_t group) {
    siginfo_t info = {};
    int result = 0;
    do {
      info.si_pid = 0;
      result = waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG);
    } while (result == 0 && info.si_pid != 0);
    return result != 0;  // nobody of it is ours
  });
}

void PosixProcessLauncher::CheckMemory() {
  near_limit_ = false;
  uint64_t together = 0;
  uint64_t most = 0;
  Child* largest = nullptr;
  const auto look = [this](uint64_t used, uint64_t limit) {
    near_limit_ = near_limit_ || (limit > 0 && used > limit / 4 * 3);
    return limit > 0 && used > limit;
  };
  bool one_goes = false;  // what it had is not there for others yet
  for (auto& [launch, child] : children_) {
    const uint64_t used = ResidentBytes(child.pid);
    together += used;
    if (used > most) largest = &child;
    most = std::max(most, used);
    const std::string& option = child.spec.memory_limit_option;
    if (child.kill_reason.empty() && look(used, child.spec.memory_limit_bytes)) {
      KillForMemory(child, absl::StrCat("it used ", FormatBytes(used), " of ",
                                        FormatBytes(child.spec.memory_limit_bytes), " of memory",
                                        option.empty() ? "" : absl::StrCat(" (", option, ")")));
    }
    one_goes = one_goes || !child.kill_reason.empty();
  }
  if (!look(together, options_.memory_limit_bytes) || one_goes) return;
  KillForMemory(*largest, absl::StrCat("it used ", FormatBytes(most),
                                       " of memory, the most of what it starts, "
                                       "which used ",
                                       FormatBytes(together), " of ",
                                       FormatBytes(options_.memory_limit_bytes), " together (",
                                       options_.memory_limit_source, ")"));
}

void PosixProcessLauncher::KillForMemory(Child& child, std::string reason) {
  child.kill_reason = absl::StrCat("killed by its TaskManager: ", reason);
  LogWarning(
      "a process is over its memory limit",
      {{"child_pid", child.pid}, {"binary", child.spec.binary}, {"reason", child.kill_reason}});
  KillGroup(child);
}

void PosixProcessLauncher::KillGroup(const Child& child) {
  kill(-child.pid, SIGKILL);
  kill(child.pid, SIGKILL);
}

}  // namespace weir::taskmanager

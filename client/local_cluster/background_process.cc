#include "client/local_cluster/background_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

struct ProcessStat {
  char state = '?';
  uint64_t start_ticks = 0;
};

// proc_pid_stat(5). The second field, the name, may hold anything, parentheses too.
std::optional<ProcessStat> StatOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int kStartTime = 22;
  ProcessStat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < kStartTime; ++field) fields >> skipped;
  if (!(fields >> stat.start_ticks)) return std::nullopt;
  return stat;
}

// Attributes and file actions of one posix_spawn.
class SpawnSetup {
 public:
  explicit SpawnSetup(const std::string& log_file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0644);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    // Nobody's directory is kept busy.
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// A process that cannot be mistaken for another while this object lives.
class ProcessHandle {
 public:
  explicit ProcessHandle(const BackgroundProcess& process) : process_(process) {
    descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
    // The descriptor keeps the process it was opened for; whether that is ours is asked afterwards.
    if (descriptor_ < 0 || IsRunning(process)) return;
    close(descriptor_);
    descriptor_ = -1;
  }
  ProcessHandle(ProcessHandle&& other) noexcept
      : process_(other.process_), descriptor_(other.descriptor_) {
    other.descriptor_ = -1;
  }
  ProcessHandle& operator=(ProcessHandle&&) = delete;
  ~ProcessHandle() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  const BackgroundProcess& process() const { return process_; }
  void Signal(int signal) const {
    if (descriptor_ >= 0) syscall(SYS_pidfd_send_signal, descriptor_, signal, nullptr, 0);
  }
  /// Has it ended within this time? At once for what did not run.
  bool AwaitEnd(int timeout_ms) const {
    if (descriptor_ < 0) return true;
    pollfd waited{descriptor_, POLLIN, 0};
    return poll(&waited, 1, timeout_ms) != 0;
  }

 private:
  BackgroundProcess process_;
  int descriptor_ = -1;
};

}  // namespace

absl::StatusOr<BackgroundProcess> StartInBackground(
    const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment,
    const std::string& log_file) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(absl::StrCat(name, "=", value));
  const SpawnSetup setup(log_file);
  BackgroundProcess process;
  const int error = posix_spawn(&process.pid, argv[0].c_str(), setup.actions(), setup.attributes(),
                                Pointers(argv).data(), Pointers(variables).data());
  if (error != 0) {
    return absl::UnknownError(absl::StrCat("cannot start ", argv[0], ": ", std::strerror(error)));
  }
  const std::optional<ProcessStat> stat = StatOf(process.pid);
  if (stat.has_value()) process.start_ticks = stat->start_ticks;
  return process;
}

bool IsRunning(const BackgroundProcess& process) {
  if (process.pid <= 0) return false;
  const std::optional<ProcessStat> stat = StatOf(process.pid);
  return stat.has_value() && stat->start_ticks == process.start_ticks && stat->state != 'Z' &&
         stat->state != 'X';
}

std::vector<BackgroundProcess> EndProcesses(const std::vector<BackgroundProcess>& processes,
                                            absl::Duration grace) {
  std::vector<ProcessHandle> handles;
  for (const BackgroundProcess& process : processes) handles.emplace_back(process);
  for (const ProcessHandle& handle : handles) handle.Signal(SIGTERM);
  std::vector<BackgroundProcess> killed;
  for (const ProcessHandle& handle : handles) {
    if (handle.AwaitEnd(static_cast<int>(absl::ToInt64Milliseconds(grace)))) continue;
    handle.Signal(SIGKILL);
    handle.AwaitEnd(-1);
    killed.push_back(handle.process());
  }
  return killed;
}

}  // namespace weir

#include "client/local_cluster/background_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"

#include "common/exec/spawn.h"

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
  BackgroundProcess process;
  const int error = SpawnProcess({.argv = argv,
                                  .environment = environment,
                                  .working_directory = "/",  // nobody's directory is kept busy
                                  .log_file = log_file,
                                  .group = SpawnOptions::Group::kSession},
                                 &process.pid);
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

#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"
#include "taskmanager/agent/oom_kills.h"
#include "taskmanager/agent/process_launcher.h"

namespace weir::taskmanager {

struct PosixProcessLauncherOptions {
  /// Resident memory is looked at so often, and ten times as often once three quarters of a limit
  /// are used.
  absl::Duration memory_check_interval = absl::Milliseconds(200);
  /// Of all processes together; 0: none. Above it the largest is killed.
  uint64_t memory_limit_bytes = 0;
  std::string memory_limit_source = "";  // who sets it, for the reason: an option, a file
  std::string kernel_files = "";         // where /proc and /sys are looked for; "": at the root
};

/// Real processes, by posix_spawn, each in a process group of its own. All system calls are made by
/// the thread that runs Serve(), main()'s: a child that asks to die with its parent
/// (PR_SET_PDEATHSIG) dies with the *thread* that started it. The kernel, when it runs out of
/// memory, is told to prefer what is started here to this process (oom_score_adj).
///
/// Life cycle: construct; Serve() until it returns; destroy, which kills and reaps what still runs.
/// Threads: Launch and Kill on the executor, Stop from any thread, Serve and the destructor by one
/// thread. Launches are carried out while Serve() runs.
/// Descriptors: the child gets 0, 1, 2 and, if asked for, 3; no other, whatever its flags.
/// Lifetime: the executor outlives the launcher.
class PosixProcessLauncher final : public ProcessLauncher {
 public:
  explicit PosixProcessLauncher(Executor& executor, PosixProcessLauncherOptions options = {});
  ~PosixProcessLauncher() override;
  PosixProcessLauncher(const PosixProcessLauncher&) = delete;
  PosixProcessLauncher& operator=(const PosixProcessLauncher&) = delete;

  LaunchId Launch(ProcessSpec spec, Callbacks callbacks) override;
  void Terminate(LaunchId launch) override;
  void Kill(LaunchId launch) override;

  /// Starts, watches and reaps processes until SIGTERM or SIGINT arrives (returns its number; the
  /// caller has blocked both, see SignalWaiter) or Stop() is called (returns 0). After a signal it
  /// may be called again, to see the processes off.
  int Serve();
  /// Ends Serve(), also one that is called later.
  void Stop();

 private:
  enum class Verb { kLaunch, kTerminate, kKill };
  struct Command {
    LaunchId launch;
    Verb verb;
    ProcessSpec spec;
    Callbacks callbacks;
  };
  struct Child {
    pid_t pid = 0;
    int pid_fd = -1;
    ProcessSpec spec;
    Callbacks callbacks;
    std::string kill_reason;  // why we killed it, if it was for memory
    bool killed = false;      // Kill was called
  };

  void Push(Command command);
  // False once Stop() was called.
  bool RunCommands();
  void Start(Command command);
  void ReapEnded();
  // Processes of ended groups that have become children of this one, as they do of a container's
  // first.
  void ReapLeftBehind();
  void CheckMemory();
  void KillForMemory(Child& child, std::string reason);
  void KillGroup(const Child& child);
  // Blocks until a command, an exit, a signal (returned, else 0) or the next memory check.
  int WaitForEvent(int signal_fd);

  Executor& executor_;
  const PosixProcessLauncherOptions options_;
  const int wake_fd_;

  Mutex mutex_;
  std::vector<Command> commands_ WEIR_GUARDED_BY(mutex_);
  LaunchId last_launch_ WEIR_GUARDED_BY(mutex_) = 0;
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;

  // Of Serve()'s thread.
  std::map<LaunchId, Child> children_;
  OomKills oom_kills_;
  bool near_limit_ = false;          // of memory, when it was last looked at
  std::vector<pid_t> ended_groups_;  // until nobody of them is ours
};

}  // namespace weir::taskmanager

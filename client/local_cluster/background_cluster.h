#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/local_cluster/background_process.h"

namespace weir {

struct BackgroundClusterOptions {
  std::string program_directory;                 // of weir-jobmanager and weir-taskmanager
  std::map<std::string, std::string> variables;  // of this process; those of Weir are left out
  int64_t task_managers = 1;
  int64_t slots = 4;  // of each TaskManager
  int64_t port = 0;   // of the JobManager; 0: the usual one if it is free, else any that is
};

/// A server that was started and not stopped.
struct BackgroundServer {
  std::string name;  // "jobmanager", "taskmanager-1"
  BackgroundProcess process;
  bool running = false;
  std::string log_file;
};

/// One JobManager and some TaskManagers on loopback, in the background, for a developer's machine.
/// Everything is in one directory: jobmanager.pid and the like (pid and start time), jobmanager.log
/// and the like, `address`, `storage`, which a later start goes on with, and the TaskManagers'
/// work directories.
///
/// An object looks at a directory and holds nothing but its lock, from Lock until it is destroyed,
/// against others that start or stop there. Calls block on the disk, Stop also until processes have
/// ended. Errors are one sentence.
class BackgroundCluster {
 public:
  explicit BackgroundCluster(std::string directory) : directory_(std::move(directory)) {}
  ~BackgroundCluster();
  BackgroundCluster(const BackgroundCluster&) = delete;
  BackgroundCluster& operator=(const BackgroundCluster&) = delete;

  const std::string& directory() const { return directory_; }

  /// Makes the directory. FAILED_PRECONDITION when somebody else has the lock.
  absl::Status Lock();

  /// Those of the pid files, the JobManager first. Empty when nothing was started.
  std::vector<BackgroundServer> Servers() const;
  /// "127.0.0.1:6123"; empty when nothing was started.
  std::string Address() const;

  /// Starts all servers; whether they come up is asked with CheckServers. ALREADY_EXISTS when one
  /// runs; NOT_FOUND when a program is missing. After any other error, Stop.
  absl::Status Start(const BackgroundClusterOptions& options);

  /// ABORTED, naming it and the last line of its log, when a server has ended.
  absl::Status CheckServers() const;

  /// TaskManagers, then the JobManager. Returns the names of those that did not end by themselves
  /// within `grace` and were killed.
  absl::StatusOr<std::vector<std::string>> Stop(absl::Duration grace);

 private:
  std::string File(const std::string& name) const { return directory_ + "/" + name; }
  absl::Status StartServer(const std::string& name, const std::string& program,
                           const std::vector<std::string>& flags,
                           const BackgroundClusterOptions& options);

  const std::string directory_;
  int lock_ = -1;
};

}  // namespace weir

#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/cluster_client.h"
#include "tests/support/process/child_process.h"
#include "tests/support/temporary_directory.h"
#include <nlohmann/json.hpp>

namespace weir {

/// The built program `name`: <build>/bin/name.
std::string WeirProgram(const std::string& name);

/// A port of 127.0.0.1 that is free now; another program may still take it.
int FreePort();

/// Asks until `condition` holds; false when it does not after `timeout`.
bool AwaitTrue(const std::function<bool()>& condition, absl::Duration timeout = absl::Seconds(30));

struct WeirClusterOptions {
  int job_managers = 1;
  int task_managers = 2;
  int slots = 4;  // of each TaskManager
  std::string job_manager_program = "weir-jobmanager";
  /// A command that starts each TaskManager in its own place (by exec): {"nice", "-n", "5"}.
  std::vector<std::string> task_manager_prefix;
  /// Options for every server of the cluster, without dashes: {"heartbeat.interval", "100ms"}.
  std::map<std::string, std::string> server_options;
  /// A directory that is there; "": one of the cluster's own.
  std::string storage_root;
  /// Options for the CLI: the token's file, the CA.
  std::map<std::string, std::string> client_options;
};

/// What `Submit` hands to `weir submit`.
struct WeirJob {
  std::string program;                         // "flight_delays"
  std::vector<std::string> arguments;          // of the job
  std::map<std::string, std::string> options;  // {"checkpoint.interval", "200ms"}
};

/// A Weir cluster of real processes on 127.0.0.1: JobManagers (one leads, the others stand by) and
/// TaskManagers on one storage.root, each with a work directory and a log file of its own, all
/// below one temporary directory. Servers are counted from 1 and keep their ports, work directories
/// and logs over restarts.
///
/// Life cycle: Start returns when a leader has all TaskManagers; Stop ends every process in order
/// and tells which of them did not go; the destructor kills what is left. Processes are known by
/// the cluster's directory in their command lines, so workers are found, too, and so are workers
/// that have outlived their TaskManager. Threads: one, which must outlive the cluster
/// (ChildProcess). Errors: UNAVAILABLE when a server does not come up, with the end of its log.
class WeirCluster {
 public:
  static absl::StatusOr<std::unique_ptr<WeirCluster>> Start(WeirClusterOptions options);

  WeirCluster(const WeirCluster&) = delete;
  WeirCluster& operator=(const WeirCluster&) = delete;
  ~WeirCluster();

  // One server. Starting one whose process has ended is a restart. They return at once.
  absl::Status StartJobManager(int number);
  absl::Status StartTaskManager(int number);
  ChildProcess& job_manager(int number) { return *servers_.at(JobManagerName(number)).process; }
  ChildProcess& task_manager(int number) { return *servers_.at(TaskManagerName(number)).process; }
  /// Waits for a leader at which all running TaskManagers are registered.
  absl::Status AwaitComplete();

  /// kill -9, and waits for the end.
  absl::Status KillJobManager(int number);
  absl::Status KillTaskManager(int number);
  /// Number of the JobManager that leads.
  absl::StatusOr<int> Leader();
  /// Number of the TaskManager with this pid; NOT_FOUND.
  absl::StatusOr<int> TaskManagerOfPid(uint64_t pid) const;

  /// `weir VERB ...` as a user types it.
  absl::StatusOr<ProcessResult> Cli(std::vector<std::string> arguments,
                                    absl::Duration timeout = absl::Seconds(60));
  /// The parsed answer of `weir VERB ... -o json`; INTERNAL with its sentence when it failed.
  absl::StatusOr<nlohmann::json> CliJson(std::vector<std::string> arguments);
  /// Submits by the CLI; returns the job's id once it runs.
  absl::StatusOr<std::string> Submit(const WeirJob& job);
  static std::vector<std::string> SubmitArguments(const WeirJob& job);

  ClusterClient& client() { return *client_; }
  /// Of all JobManagers, as for jobmanager.addresses.
  std::string addresses() const;
  std::string address(int job_manager) const;

  /// All processes of this cluster that live, workers included.
  std::vector<pid_t> Processes() const;
  /// SIGTERM to the TaskManagers, then to the JobManagers. DEADLINE_EXCEEDED when a server does not
  /// end, with the end of its log, or naming the command lines of workers that live on. Those are
  /// killed by the destructor.
  absl::Status Stop();

  /// Where the server answers HTTP; UNAVAILABLE when it has not said so.
  absl::StatusOr<std::string> HttpAddress(const std::string& server) const;

  std::string Log(const std::string& server) const;
  static std::string JobManagerName(int number);
  static std::string TaskManagerName(int number);
  const TemporaryDirectory& directory() const { return directory_; }
  /// Keeps the directory (logs, storage) when the cluster goes.
  void KeepFiles() { directory_.Keep(); }
  std::string storage_root() const {
    return options_.storage_root.empty() ? directory_.File("storage") : options_.storage_root;
  }

 private:
  struct Server {
    std::vector<std::string> argv;
    std::unique_ptr<ChildProcess> process;
  };

  explicit WeirCluster(WeirClusterOptions options);
  absl::Status MakeClient();
  absl::Status StartServer(const std::string& name);
  absl::Status KillServer(const std::string& name);
  absl::Status StopServers(const std::string& prefix);
  std::string LogTail(const std::string& server) const;
  std::vector<std::string> ServerArguments(const std::string& program) const;
  /// UNAVAILABLE with the end of its log when a server that should run has ended.
  absl::Status CheckRunning();

  const WeirClusterOptions options_;
  TemporaryDirectory directory_;
  std::vector<int> ports_;
  std::map<std::string, Server> servers_;
  std::unique_ptr<ClusterClient> client_;
};

}  // namespace weir

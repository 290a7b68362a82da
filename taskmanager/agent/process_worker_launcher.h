#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"
#include "common/time/clock.h"
#include "taskmanager/agent/artifact_cache.h"
#include "taskmanager/agent/job_planner.h"
#include "taskmanager/agent/process_launcher.h"
#include "taskmanager/agent/worker_launcher.h"

namespace weir::taskmanager {

/// Workers as processes: the job's binary, fetched into the cache, in worker mode.
///
/// Threads: one executor. Lifetime: borrows everything it is given.
class ProcessWorkerLauncher final : public WorkerLauncher {
 public:
  /// What a worker may take to wind down.
  static constexpr absl::Duration kEndPatience = absl::Seconds(3);

  struct Options {
    std::string socket;  // where workers connect: "unix:/path"
    std::string host;
    bool exchange_tls = false;    // what workers send each other from machine to machine
    std::string log_directory;    // one file a worker: <job>/<worker>.log
    std::string state_directory;  // of keyed state (taskmanager/local_state/state_folders.h)
    std::string log_level;
    std::string log_format;
    uint64_t parent_pid = 0;
    uint64_t memory_limit_bytes = 0;
    size_t keep_logs = 5;                            // of ended workers, per job
    std::map<std::string, std::string> environment;  // scrubbed
  };
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    FileSystem& files;
    ArtifactProvider& artifacts;
    ProcessLauncher& processes;
    JobPlanner& planner;
  };

  /// Blocks while it looks for folders of workers of a former process, which have ended.
  ProcessWorkerLauncher(Options options, Dependencies dependencies);

  void Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
              std::function<void(const std::string& reason)> exited) override;
  void Kill(const WorkerId& worker) override;
  void End(const WorkerId& worker) override;
  void Plan(const proto::RunPlanner& request,
            std::function<void(absl::StatusOr<proto::JobGraph>)> done) override;
  void Inspect(const proto::RunTransactions& request,
               std::function<void(absl::StatusOr<proto::TransactionsResult>)> done) override;
  void ReadLogs(const proto::ReadWorkerLogs& request,
                std::function<void(absl::StatusOr<WorkerLogs>)> done) override;

 private:
  static constexpr size_t kMaxEndings = 1000;  // remembered
  struct Ending {
    std::string job;
    std::string worker;
    std::string reason;
  };
  struct Running {
    ProcessLauncher::LaunchId launch = 0;  // 0: its artifact is still being fetched
    std::function<void(uint64_t pid)> started;
    std::function<void(const std::string& reason)> exited;
    std::string job;
  };

  void StartProcess(const proto::WorkerSpec& spec, const std::string& binary);
  void Finish(const WorkerId& worker, const std::string& reason);
  void CleanState();
  void CleanStateOf(const std::set<std::string>& ended);

  const Options options_;
  const Dependencies deps_;
  std::set<std::string> ended_workers_;  // that may have a folder of state
  std::map<WorkerId, Running> running_;
  std::deque<Ending> endings_;  // the oldest first
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager

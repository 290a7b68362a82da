#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::testing {

struct MiniClusterOptions {
  int task_managers = 1;
  int slots = 4;  // of each TaskManager
  /// Options of the servers under their names: {"checkpoint.interval", "200ms"}.
  std::map<std::string, std::string> configuration = {};
  /// For storage, work directories and the logs of workers; it is kept. Empty: a temporary one,
  /// which goes with the cluster.
  std::string directory = {};
};

/// What `weir submit` is told.
struct MiniClusterJob {
  std::string program;                                    // path of the job's binary
  std::vector<std::string> arguments = {};                // the job's own
  std::map<std::string, std::string> configuration = {};  // options of jobs
  std::string name = {};                                  // empty: the job's own
};

struct MiniClusterWorker {
  std::string id;
  int64_t pid = 0;
  std::string state;
};

/// A job as `weir describe` shows it.
struct MiniClusterJobStatus {
  std::string state;   // "RUNNING"
  std::string reason;  // of the last failure, suspension or end
  uint64_t generation = 0;
  uint64_t restarts = 0;
  /// Since the JobManager leads that leads now.
  uint64_t completed_checkpoints = 0;
  std::optional<uint64_t> latest_checkpoint;  // the epoch of the newest one
  std::vector<MiniClusterWorker> workers;
};

/// A cluster in a test: JobManager and TaskManagers are threads of the test's process, on free
/// ports of 127.0.0.1, and share one directory. Workers are processes, as on any cluster: a job is
/// the path of its binary, which a project's CMake knows ($<TARGET_FILE:alerts>).
///
///   weir::testing::MiniCluster cluster;
///   ASSERT_TRUE(cluster.Start()) << cluster.error();
///   const std::string job = cluster.Submit({.program = ALERTS_BINARY});
///   ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
///   ASSERT_TRUE(cluster.KillWorker(job)) << cluster.error();
///   ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
///
/// Life cycle: Start once; Stop, or the destructor, ends everything, workers included; jobs do not
/// end for that. Warnings of the servers go to stderr.
/// Errors: a call that returns false, "" or nothing has failed, and error() is why, one sentence. A
/// job is named by its id or its name.
/// Threads: one at a time. All calls block.
class MiniCluster {
 public:
  using Timeout = std::chrono::milliseconds;
  static constexpr Timeout kTimeout = std::chrono::seconds(60);

  MiniCluster();
  ~MiniCluster();
  MiniCluster(const MiniCluster&) = delete;
  MiniCluster& operator=(const MiniCluster&) = delete;

  /// Returns when a leader has all TaskManagers.
  bool Start(const MiniClusterOptions& options = {});
  void Stop();

  /// Returns the job's id as soon as the cluster has it durably, whatever its state.
  std::string Submit(const MiniClusterJob& job);
  std::optional<MiniClusterJobStatus> Describe(const std::string& job);
  /// Fails at once when the job has come to an end, or is suspended, and so will never be in that
  /// state.
  bool AwaitState(const std::string& job, const std::string& state, Timeout timeout = kTimeout);
  /// Asks until the condition holds.
  bool Await(const std::string& job,
             const std::function<bool(const MiniClusterJobStatus&)>& condition,
             Timeout timeout = kTimeout);
  /// One more checkpoint than there is now.
  bool AwaitCheckpoint(const std::string& job, Timeout timeout = kTimeout);
  /// Everything the job has done is given up.
  bool Cancel(const std::string& job);
  /// Its sources end, and it finishes with a last checkpoint.
  bool StopJob(const std::string& job);

  /// SIGKILL for the n-th worker process of a running job. Returns when the cluster has noticed:
  /// the job is being recovered, or has failed.
  bool KillWorker(const std::string& job, size_t number = 0);
  /// The JobManager goes as if it had died, and another one takes over what is on storage, at the
  /// same address. Returns when that one leads and has all TaskManagers; the job is being recovered
  /// then.
  bool RestartJobManager();

  /// Of the JobManager, "127.0.0.1:PORT": for `weir --jobmanager.addresses` and other clients.
  const std::string& address() const;
  const std::string& directory() const;
  const std::string& error() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::testing

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "common/base/system_random.h"
#include "common/config/config.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/io/posix_file_system.h"
#include "common/operator/stream_graph.h"
#include "common/time/system_clock.h"
#include "jobmanager/ha/leader_election.h"
#include "jobmanager/job_manager.h"
#include "proto/job_graph.pb.h"
#include "state/checkpoint/storage_layout.h"
#include "taskmanager/agent/task_manager.h"
#include "taskmanager/agent/worker_launcher.h"
#include "taskmanager/task/task_thread.h"
#include "taskmanager/worker/worker_endpoint.h"

namespace weir {

/// A cluster of one job in one process: a JobManager that is elected at once, one TaskManager with
/// a slot for each, and workers as objects. Messages go through the executor, never the network.
///
/// Threads: the constructor, Submit, Summary, Stop from the main thread; they wait for the
/// executor. Destroy after use; that ends everything at once.
class LocalCluster final : public jobmanager::LeaderElection, public taskmanager::WorkerLauncher {
 public:
  /// `graph` and `plan` are the one job's; `config` needs storage.root.
  LocalCluster(const StreamGraph& graph, proto::JobGraph plan, const Config& config);
  ~LocalCluster() override;

  absl::StatusOr<std::string> Submit(const std::map<std::string, std::string>& options,
                                     bool take_over);
  absl::StatusOr<proto::JobSummary> Summary(const std::string& job);
  absl::Status Stop(const std::string& job);

  // LeaderElection
  void Start(std::function<void()> elected) override { elected(); }

  // WorkerLauncher
  void Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
              std::function<void(const std::string& reason)> exited) override;
  void Kill(const WorkerId& worker) override;
  void Plan(const proto::RunPlanner& request,
            std::function<void(absl::StatusOr<proto::JobGraph>)> done) override;

 private:
  struct LocalWorker {
    std::map<uint32_t, std::unique_ptr<taskmanager::TaskThread>> slots;
    std::unique_ptr<taskmanager::WorkerEndpoint> endpoint;
    taskmanager::TaskManager::StreamId stream = 0;
    std::function<void(const std::string&)> exited;
    ~LocalWorker() { slots.clear(); }
  };

  void StartOnExecutor();
  void ConnectTaskManager();
  taskmanager::WorkerEndpoint::Dependencies WorkerDependencies(LocalWorker& worker);
  /// Calls one method of the JobManager's API and waits for its reply.
  template <class Request, class Response>
  absl::StatusOr<Response> Call(
      void (jobmanager::ClientApi::*method)(Request, jobmanager::ClientApi::Reply<Response>),
      Request request);

  const StreamGraph& graph_;
  const proto::JobGraph plan_;
  const Config config_;
  SystemRandom random_;
  SystemClock clock_;
  PosixFileSystem files_;
  StorageLayout layout_;
  ThreadExecutor executor_;
  ThreadBlockingPool pool_;
  std::unique_ptr<jobmanager::JobManager> job_manager_;
  std::unique_ptr<taskmanager::TaskManager> task_manager_;
  jobmanager::JobManager::StreamId leader_stream_ = 0;
  std::map<WorkerId, std::unique_ptr<LocalWorker>> workers_;
};

}  // namespace weir

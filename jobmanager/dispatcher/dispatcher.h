#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/config/config.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"
#include "common/time/clock.h"
#include "jobmanager/dispatcher/client_api.h"
#include "jobmanager/dispatcher/cluster_log.h"
#include "jobmanager/dispatcher/planning.h"
#include "jobmanager/dispatcher/restored_checkpoint.h"
#include "jobmanager/dispatcher/transaction_inquiries.h"
#include "jobmanager/dispatcher/worker_log_inquiries.h"
#include "jobmanager/job/job_master.h"
#include "jobmanager/resource/task_manager_registry.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::jobmanager {

/// One leadership: takes over the cluster log and every job's log, then serves clients and
/// TaskManagers until a log says that somebody else leads.
/// Protocols: docs/protocols/logs.md, recovery.md.
///
/// Life cycle: TakeOver; when it succeeded, the rest; destroyed when leadership is lost.
/// Threads: not thread-safe; everything on `executor`.
/// Lifetime: borrows its dependencies.
/// Errors: `on_lost` is told once when this leader is stale or could not take over.
class Dispatcher final : public ClientApi, public TaskManagerRegistry::Listener {
 public:
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    FileSystem& files;
    Random& random;
    const StorageLayout& layout;
    const Config& config;
    /// Blocking: is the artifact in the store?
    std::function<absl::StatusOr<bool>(const ArtifactId&)> has_artifact;
    std::function<void(const absl::Status&)> on_lost;
  };
  struct Identity {
    std::string cluster;
    std::string process;  // id of this process, the sender of its messages
    std::string address;  // where clients reach it
    uint64_t pid = 0;
  };

  Dispatcher(Identity identity, Dependencies dependencies);
  ~Dispatcher() override;

  /// `done`: this process leads and serves.
  void TakeOver(std::function<void()> done);
  bool serving() const { return serving_; }
  LeaderTerm term() const { return LeaderTerm(term_.number()); }
  TaskManagerRegistry& task_managers() { return *task_managers_; }
  const TaskManagerRegistry& task_managers() const { return *task_managers_; }
  const std::map<JobId, std::unique_ptr<JobMaster>>& jobs() const { return jobs_; }

  // ClientApi
  void Plan(proto::PlanRequest request, Reply<proto::PlanResponse> reply) override;
  void SubmitJob(proto::SubmitJobRequest request, Reply<proto::SubmitJobResponse> reply) override;
  void ListJobs(proto::ListJobsRequest request, Reply<proto::ListJobsResponse> reply) override;
  void DescribeJob(proto::DescribeJobRequest request, Reply<proto::JobDetails> reply) override;
  void AwaitJobEvents(proto::WatchJobRequest request,
                      Reply<std::vector<proto::JobEvent>> reply) override;
  void CancelJob(proto::CancelJobRequest request, Reply<proto::CancelJobResponse> reply) override;
  void StopJob(proto::StopJobRequest request, Reply<proto::StopJobResponse> reply) override;
  void SuspendJob(proto::SuspendJobRequest request,
                  Reply<proto::SuspendJobResponse> reply) override;
  void ResumeJob(proto::ResumeJobRequest request, Reply<proto::ResumeJobResponse> reply) override;
  void RestartJob(proto::RestartJobRequest request,
                  Reply<proto::RestartJobResponse> reply) override;
  void ReadJobLogs(proto::ReadJobLogsRequest request,
                   Reply<proto::ReadJobLogsResponse> reply) override;
  void ListCheckpoints(proto::ListCheckpointsRequest request,
                       Reply<proto::ListCheckpointsResponse> reply) override;
  void Transactions(proto::TransactionsRequest request,
                    Reply<proto::TransactionsResponse> reply) override;
  void DeadLetters(proto::DeadLettersRequest request,
                   Reply<proto::DeadLettersResponse> reply) override;
  void DescribeCluster(proto::DescribeClusterRequest request,
                       Reply<proto::ClusterDetails> reply) override;

  // TaskManagerRegistry::Listener
  void OnSlotsChanged() override;
  void OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss) override;
  void OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) override;
  void OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report) override;
  void OnPlannerResult(const proto::PlannerResult& result) override;
  void OnTransactionsResult(const proto::TransactionsResult& result) override;
  void OnWorkerLogsResult(const proto::WorkerLogsResult& result) override;

 private:
  struct Submission {
    proto::SubmitJobRequest request;
    std::vector<Reply<proto::SubmitJobResponse>> replies;
    std::unique_ptr<JobMaster> job;
  };

  void OnTermOwned();
  void AdoptNext(std::vector<JobId> left, std::function<void()> done);
  void Serve();
  void LookAheadLater();
  void Lose(const absl::Status& why);
  std::vector<std::string> EndedJobs() const;
  std::unique_ptr<JobMaster> MakeJobMaster(const JobId& job);
  absl::StatusOr<JobMaster*> FindJob(const std::string& id_or_name);

  void OnArtifactChecked(const std::string& token, const absl::StatusOr<bool>& there);
  void OnPlanned(const std::string& token, absl::StatusOr<proto::JobGraph> graph);
  absl::StatusOr<CheckpointTransfer> FindCheckpoint(const std::string& name);
  void CreateJob(const std::string& token, const proto::JobGraph& graph,
                 std::optional<CheckpointTransfer> transfer);
  void RegisterJob(const std::string& token);
  void FinishSubmission(const std::string& token, const absl::StatusOr<JobId>& job);

  const Identity identity_;
  const Dependencies deps_;
  std::unique_ptr<ClusterLog> cluster_log_;
  proto::Term term_;
  std::unique_ptr<TaskManagerRegistry> task_managers_;
  std::unique_ptr<Planning> planning_;
  std::unique_ptr<TransactionInquiries> inquiries_;
  std::unique_ptr<WorkerLogInquiries> worker_logs_;
  std::map<JobId, std::unique_ptr<JobMaster>> jobs_;
  std::map<JobId, absl::Status> unreadable_;       // not adopted: why their logs cannot be read
  std::map<std::string, Submission> submissions_;  // under way, by client token
  std::function<void()> taken_over_;
  TimerId look_ahead_timer_ = 0;
  bool serving_ = false;
  bool lost_ = false;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "jobmanager/dispatcher/client_api.h"
#include "jobmanager/dispatcher/dispatcher.h"
#include "jobmanager/ha/leader_election.h"

namespace weir::jobmanager {

/// Where a JobManager stands, for those who watch it.
struct JobManagerStatus {
  bool elected = false;
  bool serving = false;  // has taken over, and leads
  LeaderTerm term;       // while serving
  absl::Duration since_start;
  /// What a standby, which looks for the leader's address all the time, last heard of the storage;
  /// nothing before it has.
  std::optional<absl::Status> storage;
  /// Why a standby could not be elected, were the leader gone; OK: it could.
  absl::Status election;
};

/// A JobManager: a standby until it is elected, then one leadership, then nothing. Answers clients
/// and TaskManagers in both states; a standby names the leader.
///
/// Life cycle: Start; ends with `on_lost`, after which the process should exit (a new one starts as
/// standby). Threads: not thread-safe; everything on `executor`. Lifetime: borrows dependencies.
class JobManager final : public ClientApi {
 public:
  JobManager(Dispatcher::Identity identity, Dispatcher::Dependencies dependencies,
             LeaderElection& election);
  ~JobManager() override;

  /// Where clients reach this process, when that is known only now. Before Start.
  void SetAddress(const std::string& address) { identity_.address = address; }
  void Start();
  bool leading() const { return dispatcher_ != nullptr && dispatcher_->serving(); }
  JobManagerStatus Status() const;
  /// Null until elected.
  const Dispatcher* dispatcher() const { return dispatcher_.get(); }

  // Streams of TaskManagers. `send` and `close` are called until OnControlStreamDown.
  using StreamId = uint64_t;
  StreamId OnControlStreamUp(std::function<void(proto::Envelope)> send,
                             std::function<void()> close);
  void OnControlMessage(StreamId stream, const proto::Envelope& envelope);
  void OnControlStreamDown(StreamId stream);

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

 private:
  struct Stream {
    std::function<void(proto::Envelope)> send;
    std::function<void()> close;
    std::optional<SessionId> session;  // once this process leads
  };

  void WatchLeader();
  void PublishAddress();
  void AnswerAsStandby(const Stream& stream);
  std::string LeaderFilePath() const;

  template <class Request, class Response>
  void Forward(void (ClientApi::*method)(Request, Reply<Response>), Request request,
               Reply<Response> reply);

  Dispatcher::Identity identity_;
  Dispatcher::Dependencies deps_;
  LeaderElection& election_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::string leader_address_;  // as the leader published it
  std::map<StreamId, Stream> streams_;
  StreamId next_stream_ = 1;
  TimerId watch_timer_ = 0;
  absl::Duration started_at_;  // monotonic
  std::optional<absl::Status> storage_;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager

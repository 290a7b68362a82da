#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/client.pb.h"

namespace weir::jobmanager {

/// The public API of a cluster as the JobManager's core serves it, without a transport.
///
/// Threads: called on the JobManager's executor. `reply` is called at most once, on any thread; a
/// reply that is destroyed uncalled answers UNAVAILABLE.
/// Errors: NotLeaderError (common/net/leader_redirect.h) from a standby; NOT_FOUND: no such job;
/// FAILED_PRECONDITION: not in this state; INVALID_ARGUMENT: the user's fault; one sentence each.
class ClientApi {
 public:
  template <class Response>
  using Reply = std::function<void(absl::StatusOr<Response>)>;

  virtual ~ClientApi() = default;
  virtual void Plan(proto::PlanRequest request, Reply<proto::PlanResponse> reply) = 0;
  virtual void SubmitJob(proto::SubmitJobRequest request,
                         Reply<proto::SubmitJobResponse> reply) = 0;
  virtual void ListJobs(proto::ListJobsRequest request, Reply<proto::ListJobsResponse> reply) = 0;
  virtual void DescribeJob(proto::DescribeJobRequest request, Reply<proto::JobDetails> reply) = 0;
  /// Events behind the request's sequence, as soon as there are some; an empty answer after
  /// JobEvents::kPatience. Whoever carries WatchJob asks again and again.
  virtual void AwaitJobEvents(proto::WatchJobRequest request,
                              Reply<std::vector<proto::JobEvent>> reply) = 0;
  virtual void CancelJob(proto::CancelJobRequest request,
                         Reply<proto::CancelJobResponse> reply) = 0;
  virtual void StopJob(proto::StopJobRequest request, Reply<proto::StopJobResponse> reply) = 0;
  /// Errors further: ABORTED: its checkpoints failed, and the job runs on.
  virtual void SuspendJob(proto::SuspendJobRequest request,
                          Reply<proto::SuspendJobResponse> reply) = 0;
  virtual void ResumeJob(proto::ResumeJobRequest request,
                         Reply<proto::ResumeJobResponse> reply) = 0;
  virtual void RestartJob(proto::RestartJobRequest request,
                          Reply<proto::RestartJobResponse> reply) = 0;
  virtual void ReadJobLogs(proto::ReadJobLogsRequest request,
                           Reply<proto::ReadJobLogsResponse> reply) = 0;
  virtual void ListCheckpoints(proto::ListCheckpointsRequest request,
                               Reply<proto::ListCheckpointsResponse> reply) = 0;
  /// Errors further: UNKNOWN: the brokers of the job's sinks, or the process that asks them.
  virtual void Transactions(proto::TransactionsRequest request,
                            Reply<proto::TransactionsResponse> reply) = 0;
  virtual void DeadLetters(proto::DeadLettersRequest request,
                           Reply<proto::DeadLettersResponse> reply) = 0;
  virtual void DescribeCluster(proto::DescribeClusterRequest request,
                               Reply<proto::ClusterDetails> reply) = 0;
};

}  // namespace weir::jobmanager

#pragma once

#include <memory>

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/net/grpc_authorizer.h"
#include "jobmanager/dispatcher/artifact_store.h"
#include "jobmanager/dispatcher/client_api.h"
#include "proto/client.grpc.pb.h"

namespace weir::jobmanager {

/// The gRPC service Client: checks the token, calls ClientApi on the JobManager's executor, and
/// carries artifacts to and from the store on the blocking pool, and events to those who watch.
///
/// Life cycle: construct; start a server with it; Shutdown; shut the server down; destroy. After
/// Shutdown, `api` is not called any more.
/// Threads: gRPC's. Shutdown on the executor or after it has stopped.
/// Bounds: kMaxTransfers artifacts at a time, one chunk of each in memory; more are refused with
/// RESOURCE_EXHAUSTED.
class GrpcClientService final : public proto::Client::CallbackService {
 public:
  static constexpr int kMaxTransfers = 32;

  GrpcClientService(Executor& executor, BlockingPool& pool, GrpcAuthorizer authorizer,
                    ClientApi& api, ArtifactStore& artifacts);
  ~GrpcClientService() override;

  void Shutdown();

  grpc::ServerReadReactor<proto::ArtifactChunk>* UploadArtifact(
      grpc::CallbackServerContext* context, proto::UploadArtifactResponse* response) override;
  grpc::ServerWriteReactor<proto::ArtifactChunk>* FetchArtifact(
      grpc::CallbackServerContext* context, const proto::FetchArtifactRequest* request) override;
  grpc::ServerWriteReactor<proto::JobEvent>* WatchJob(
      grpc::CallbackServerContext* context, const proto::WatchJobRequest* request) override;
  grpc::ServerUnaryReactor* Plan(grpc::CallbackServerContext* context,
                                 const proto::PlanRequest* request,
                                 proto::PlanResponse* response) override;
  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* context,
                                      const proto::SubmitJobRequest* request,
                                      proto::SubmitJobResponse* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const proto::ListJobsRequest* request,
                                     proto::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeJob(grpc::CallbackServerContext* context,
                                        const proto::DescribeJobRequest* request,
                                        proto::JobDetails* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const proto::CancelJobRequest* request,
                                      proto::CancelJobResponse* response) override;
  grpc::ServerUnaryReactor* StopJob(grpc::CallbackServerContext* context,
                                    const proto::StopJobRequest* request,
                                    proto::StopJobResponse* response) override;
  grpc::ServerUnaryReactor* SuspendJob(grpc::CallbackServerContext* context,
                                       const proto::SuspendJobRequest* request,
                                       proto::SuspendJobResponse* response) override;
  grpc::ServerUnaryReactor* RestartJob(grpc::CallbackServerContext* context,
                                       const proto::RestartJobRequest* request,
                                       proto::RestartJobResponse* response) override;
  grpc::ServerUnaryReactor* ReadJobLogs(grpc::CallbackServerContext* context,
                                        const proto::ReadJobLogsRequest* request,
                                        proto::ReadJobLogsResponse* response) override;
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context,
                                      const proto::ResumeJobRequest* request,
                                      proto::ResumeJobResponse* response) override;
  grpc::ServerUnaryReactor* ListCheckpoints(grpc::CallbackServerContext* context,
                                            const proto::ListCheckpointsRequest* request,
                                            proto::ListCheckpointsResponse* response) override;
  grpc::ServerUnaryReactor* Transactions(grpc::CallbackServerContext* context,
                                         const proto::TransactionsRequest* request,
                                         proto::TransactionsResponse* response) override;
  grpc::ServerUnaryReactor* DeadLetters(grpc::CallbackServerContext* context,
                                        const proto::DeadLettersRequest* request,
                                        proto::DeadLettersResponse* response) override;
  grpc::ServerUnaryReactor* DescribeCluster(grpc::CallbackServerContext* context,
                                            const proto::DescribeClusterRequest* request,
                                            proto::ClusterDetails* response) override;

 private:
  grpc::Status Admit(const grpc::CallbackServerContext& context) const;
  struct State;

  template <class Request, class Response>
  grpc::ServerUnaryReactor* Call(grpc::CallbackServerContext* context, const Request* request,
                                 Response* response,
                                 void (ClientApi::*method)(Request, ClientApi::Reply<Response>));

  const GrpcAuthorizer authorizer_;
  const std::shared_ptr<State> state_;
};

}  // namespace weir::jobmanager

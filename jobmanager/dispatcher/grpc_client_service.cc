#include "jobmanager/dispatcher/grpc_client_service.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"
#include "jobmanager/dispatcher/grpc_artifact_transfer.h"
#include "jobmanager/dispatcher/grpc_job_watch.h"
#include "jobmanager/dispatcher/pending_call.h"

namespace weir::jobmanager {
namespace {

using EventsAnswer = JobWatchHost::Answer;

}  // namespace

struct GrpcClientService::State {
  template <class Response>
  class Unary;

  State(Executor& owner, BlockingPool& owner_pool, ClientApi& served, ArtifactStore& store)
      : executor(owner), pool(owner_pool), artifacts(store), api(&served) {}

  // False once shut down.
  bool Enlist(const std::shared_ptr<PendingCall>& call) {
    MutexLock lock(mutex);
    if (api == nullptr) return false;
    pending.emplace(call.get(), call);
    return true;
  }
  void Forget(PendingCall* call) {
    MutexLock lock(mutex);
    pending.erase(call);
  }
  // On the executor, unless shut down meanwhile.
  static void Run(const std::shared_ptr<State>& self, std::function<void(ClientApi&)> work) {
    MutexLock lock(self->mutex);
    if (self->api == nullptr) return;
    self->executor.Post([self, work = std::move(work)] {
      ClientApi* served = nullptr;
      {
        MutexLock again(self->mutex);
        served = self->api;
      }
      if (served != nullptr) work(*served);
    });
  }

  Executor& executor;
  BlockingPool& pool;
  ArtifactStore& artifacts;
  const TransferCount transfers = std::make_shared<std::atomic<int>>(0);
  Mutex mutex;
  ClientApi* api WEIR_GUARDED_BY(mutex);  // null once shut down; then executor is not touched
  std::map<PendingCall*, std::weak_ptr<PendingCall>> pending WEIR_GUARDED_BY(mutex);
};

// Finishes its call exactly once: by the reply, by Shutdown, or when it is dropped.
template <class Response>
class GrpcClientService::State::Unary final : public PendingCall {
 public:
  Unary(std::shared_ptr<State> state, grpc::CallbackServerContext* context,
        grpc::ServerUnaryReactor* reactor, Response* response)
      : state_(std::move(state)), context_(context), reactor_(reactor), response_(response) {}
  ~Unary() override {
    Abandon();
    state_->Forget(this);
  }

  void Answer(absl::StatusOr<Response> answer) {
    MutexLock lock(mutex_);
    if (std::exchange(answered_, true)) return;
    if (answer.ok()) *response_ = *std::move(answer);
    reactor_->Finish(ToGrpcStatus(answer.status(), *context_));
  }
  void Abandon() override { Answer(ShuttingDown()); }

 private:
  const std::shared_ptr<State> state_;
  Mutex mutex_;
  // Valid until Finish.
  grpc::CallbackServerContext* const context_;
  grpc::ServerUnaryReactor* const reactor_;
  Response* const response_;
  bool answered_ WEIR_GUARDED_BY(mutex_) = false;
};

GrpcClientService::GrpcClientService(Executor& executor, BlockingPool& pool,
                                     GrpcAuthorizer authorizer, ClientApi& api,
                                     ArtifactStore& artifacts)
    : authorizer_(std::move(authorizer)),
      state_(std::make_shared<State>(executor, pool, api, artifacts)) {}

GrpcClientService::~GrpcClientService() { Shutdown(); }

void GrpcClientService::Shutdown() {
  std::vector<std::shared_ptr<PendingCall>> pending;
  {
    MutexLock lock(state_->mutex);
    state_->api = nullptr;
    for (const auto& [call, weak] : state_->pending) {
      if (std::shared_ptr<PendingCall> alive = weak.lock()) pending.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<PendingCall>& call : pending) call->Abandon();
}

grpc::Status GrpcClientService::Admit(const grpc::CallbackServerContext& context) const {
  const grpc::Status authorized = authorizer_.Check(context);
  return authorized.ok() ? CheckProtocolOf(context) : authorized;
}

template <class Request, class Response>
grpc::ServerUnaryReactor* GrpcClientService::Call(
    grpc::CallbackServerContext* context, const Request* request, Response* response,
    void (ClientApi::*method)(Request, ClientApi::Reply<Response>)) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const grpc::Status authorized = Admit(*context);
  if (!authorized.ok()) {
    reactor->Finish(authorized);
    return reactor;
  }
  auto call = std::make_shared<State::Unary<Response>>(state_, context, reactor, response);
  if (state_->Enlist(call)) {
    State::Run(state_, [call, copy = *request, method](ClientApi& api) {
      (api.*method)(copy,
                    [call](absl::StatusOr<Response> answer) { call->Answer(std::move(answer)); });
    });
  }
  return reactor;
}

grpc::ServerWriteReactor<proto::JobEvent>* GrpcClientService::WatchJob(
    grpc::CallbackServerContext* context, const proto::WatchJobRequest* request) {
  const grpc::Status authorized = Admit(*context);
  if (!authorized.ok()) return RefuseWatch(authorized);
  JobWatchHost host;
  host.ask = [state = state_](const proto::WatchJobRequest& question, EventsAnswer answer) {
    State::Run(state, [question, answer = std::move(answer)](ClientApi& api) {
      api.AwaitJobEvents(question, answer);
    });
  };
  host.enlist = [state = state_](const auto& call) { return state->Enlist(call); };
  host.forget = [state = state_](PendingCall* call) { state->Forget(call); };
  return jobmanager::WatchJob(context, *request, std::move(host));
}

grpc::ServerReadReactor<proto::ArtifactChunk>* GrpcClientService::UploadArtifact(
    grpc::CallbackServerContext* context, proto::UploadArtifactResponse* response) {
  const grpc::Status authorized = Admit(*context);
  if (!authorized.ok()) return RefuseUpload(authorized);
  if (++*state_->transfers > kMaxTransfers) {
    --*state_->transfers;
    return RefuseUpload(ToGrpcStatus(absl::ResourceExhaustedError(
        absl::StrCat(kMaxTransfers, " artifacts are being transferred, try again later"))));
  }
  return ReceiveArtifact(state_->artifacts, state_->pool, state_->transfers, response);
}

grpc::ServerWriteReactor<proto::ArtifactChunk>* GrpcClientService::FetchArtifact(
    grpc::CallbackServerContext* context, const proto::FetchArtifactRequest* request) {
  const grpc::Status authorized = Admit(*context);
  if (!authorized.ok()) return RefuseFetch(authorized);
  if (++*state_->transfers > kMaxTransfers) {
    --*state_->transfers;
    return RefuseFetch(ToGrpcStatus(absl::ResourceExhaustedError(
        absl::StrCat(kMaxTransfers, " artifacts are being transferred, try again later"))));
  }
  return SendArtifact(state_->artifacts, state_->pool, state_->transfers, request->sha256());
}

grpc::ServerUnaryReactor* GrpcClientService::Plan(grpc::CallbackServerContext* context,
                                                  const proto::PlanRequest* request,
                                                  proto::PlanResponse* response) {
  return Call(context, request, response, &ClientApi::Plan);
}
grpc::ServerUnaryReactor* GrpcClientService::SubmitJob(grpc::CallbackServerContext* context,
                                                       const proto::SubmitJobRequest* request,
                                                       proto::SubmitJobResponse* response) {
  return Call(context, request, response, &ClientApi::SubmitJob);
}
grpc::ServerUnaryReactor* GrpcClientService::ListJobs(grpc::CallbackServerContext* context,
                                                      const proto::ListJobsRequest* request,
                                                      proto::ListJobsResponse* response) {
  return Call(context, request, response, &ClientApi::ListJobs);
}
grpc::ServerUnaryReactor* GrpcClientService::DescribeJob(grpc::CallbackServerContext* context,
                                                         const proto::DescribeJobRequest* request,
                                                         proto::JobDetails* response) {
  return Call(context, request, response, &ClientApi::DescribeJob);
}
grpc::ServerUnaryReactor* GrpcClientService::CancelJob(grpc::CallbackServerContext* context,
                                                       const proto::CancelJobRequest* request,
                                                       proto::CancelJobResponse* response) {
  return Call(context, request, response, &ClientApi::CancelJob);
}
grpc::ServerUnaryReactor* GrpcClientService::StopJob(grpc::CallbackServerContext* context,
                                                     const proto::StopJobRequest* request,
                                                     proto::StopJobResponse* response) {
  return Call(context, request, response, &ClientApi::StopJob);
}
grpc::ServerUnaryReactor* GrpcClientService::ResumeJob(grpc::CallbackServerContext* context,
                                                       const proto::ResumeJobRequest* request,
                                                       proto::ResumeJobResponse* response) {
  return Call(context, request, response, &ClientApi::ResumeJob);
}

grpc::ServerUnaryReactor* GrpcClientService::SuspendJob(grpc::CallbackServerContext* context,
                                                        const proto::SuspendJobRequest* request,
                                                        proto::SuspendJobResponse* response) {
  return Call(context, request, response, &ClientApi::SuspendJob);
}
grpc::ServerUnaryReactor* GrpcClientService::RestartJob(grpc::CallbackServerContext* context,
                                                        const proto::RestartJobRequest* request,
                                                        proto::RestartJobResponse* response) {
  return Call(context, request, response, &ClientApi::RestartJob);
}
grpc::ServerUnaryReactor* GrpcClientService::ReadJobLogs(grpc::CallbackServerContext* context,
                                                         const proto::ReadJobLogsRequest* request,
                                                         proto::ReadJobLogsResponse* response) {
  return Call(context, request, response, &ClientApi::ReadJobLogs);
}
grpc::ServerUnaryReactor* GrpcClientService::ListCheckpoints(
    grpc::CallbackServerContext* context, const proto::ListCheckpointsRequest* request,
    proto::ListCheckpointsResponse* response) {
  return Call(context, request, response, &ClientApi::ListCheckpoints);
}
grpc::ServerUnaryReactor* GrpcClientService::Transactions(grpc::CallbackServerContext* context,
                                                          const proto::TransactionsRequest* request,
                                                          proto::TransactionsResponse* response) {
  return Call(context, request, response, &ClientApi::Transactions);
}

grpc::ServerUnaryReactor* GrpcClientService::DeadLetters(grpc::CallbackServerContext* context,
                                                         const proto::DeadLettersRequest* request,
                                                         proto::DeadLettersResponse* response) {
  return Call(context, request, response, &ClientApi::DeadLetters);
}
grpc::ServerUnaryReactor* GrpcClientService::DescribeCluster(
    grpc::CallbackServerContext* context, const proto::DescribeClusterRequest* request,
    proto::ClusterDetails* response) {
  return Call(context, request, response, &ClientApi::DescribeCluster);
}

}  // namespace weir::jobmanager

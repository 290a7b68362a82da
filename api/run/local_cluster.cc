#include "api/run/local_cluster.h"

#include <unistd.h>

#include <future>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/config/options.h"
#include "jobmanager/scheduler/deployment_plan.h"
#include "taskmanager/worker/resident_memory.h"

namespace weir {

using taskmanager::TaskManager;
using taskmanager::WorkerEndpoint;

LocalCluster::LocalCluster(const StreamGraph& graph, proto::JobGraph plan, const Config& config)
    : graph_(graph),
      plan_(std::move(plan)),
      config_(config),
      files_(random_),
      layout_(config.Get(options::kStorageRoot), config.Get(options::kClusterId)),
      executor_({.name = "weir-local"}),
      pool_({.name = "weir-blocking", .threads = 4}) {
  executor_.Post([this] { StartOnExecutor(); });
}

LocalCluster::~LocalCluster() {
  std::promise<void> closed;
  executor_.Post([this, &closed] {
    for (auto& [id, worker] : workers_) worker->slots.clear();
    workers_.clear();  // what the pool does for one of them may be waiting for brokers
    closed.set_value();
  });
  closed.get_future().wait();
  pool_.Shutdown();
  executor_.Shutdown();
  workers_.clear();
  task_manager_.reset();
  job_manager_.reset();
}

void LocalCluster::StartOnExecutor() {
  jobmanager::Dispatcher::Identity identity;
  identity.cluster = config_.Get(options::kClusterId);
  identity.process = random_.HexId("jm-");
  identity.pid = static_cast<uint64_t>(getpid());
  job_manager_ = std::make_unique<jobmanager::JobManager>(
      identity,
      jobmanager::Dispatcher::Dependencies{clock_, executor_, pool_, files_, random_, layout_,
                                           config_, [](const ArtifactId&) { return true; },
                                           [](const absl::Status&) {}},
      *this);
  TaskManager::Options options;
  options.id = TaskManagerId(random_.HexId("tm-"));
  options.node = "local";
  options.host = "local";
  options.cluster = identity.cluster;
  options.storage_root = config_.Get(options::kStorageRoot);
  options.slots = jobmanager::RequiredSlots(plan_);
  options.pid = identity.pid;
  task_manager_ = std::make_unique<TaskManager>(
      options, TaskManager::Dependencies{
                   clock_, executor_, pool_, files_, *this,
                   [this](const proto::Envelope& envelope) {
                     executor_.Post([this, envelope] {
                       job_manager_->OnControlMessage(leader_stream_, envelope);
                     });
                   },
                   [this](const std::string&, const std::string&) {
                     // It does not lead yet.
                     executor_.PostAfter(absl::Milliseconds(10), [this] { ConnectTaskManager(); });
                   },
                   [] {}, [](const absl::Status&) {}});
  job_manager_->Start();
  ConnectTaskManager();
}

void LocalCluster::ConnectTaskManager() {
  leader_stream_ = job_manager_->OnControlStreamUp(
      [this](const proto::Envelope& envelope) {
        executor_.Post([this, envelope] { task_manager_->OnLeaderMessage(envelope); });
      },
      [] {});
  task_manager_->OnLeaderStreamUp();
}

WorkerEndpoint::Dependencies LocalCluster::WorkerDependencies(LocalWorker& worker) {
  return WorkerEndpoint::Dependencies{
      clock_,
      executor_,
      pool_,
      files_,
      [this, &worker](uint32_t slot) -> taskmanager::TaskHost& {
        std::unique_ptr<taskmanager::TaskThread>& thread = worker.slots[slot];
        if (thread == nullptr) {
          taskmanager::TaskThread::Options options;
          options.name = absl::StrCat("weir-slot-", slot);
          thread = std::make_unique<taskmanager::TaskThread>(clock_, options);
        }
        return *thread;
      },
      [this, &worker](const proto::Envelope& envelope) {
        executor_.Post([this, stream = worker.stream, envelope] {
          task_manager_->OnWorkerMessage(stream, envelope);
        });
      },
      &taskmanager::ResidentBytes};
}

void LocalCluster::Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
                          std::function<void(const std::string& reason)> exited) {
  const WorkerId id(spec.worker());
  auto worker = std::make_unique<LocalWorker>();
  worker->exited = std::move(exited);
  worker->endpoint = std::make_unique<WorkerEndpoint>(
      id, JobId(spec.job()), graph_, plan_,
      WorkerEndpoint::Options{absl::Milliseconds(200), "local"}, WorkerDependencies(*worker));
  WorkerEndpoint* endpoint = worker->endpoint.get();
  worker->stream = task_manager_->OnWorkerStreamUp(
      [this, id, endpoint](const proto::Envelope& envelope) {
        executor_.Post([this, id, endpoint, envelope] {
          if (workers_.count(id) > 0) endpoint->OnEnvelope(envelope);
        });
      },
      [] {});
  const TaskManager::StreamId stream = worker->stream;
  workers_[id] = std::move(worker);
  started(static_cast<uint64_t>(getpid()));
  executor_.Post([this, id, stream] {
    proto::Envelope hello;
    hello.mutable_worker_hello()->set_worker(id.value());
    hello.mutable_worker_hello()->set_pid(static_cast<uint64_t>(getpid()));
    task_manager_->OnWorkerMessage(stream, hello);
  });
}

void LocalCluster::Kill(const WorkerId& id) {
  executor_.Post([this, id] {
    const auto it = workers_.find(id);
    if (it == workers_.end()) return;
    std::unique_ptr<LocalWorker> worker = std::move(it->second);
    workers_.erase(it);
    worker->slots.clear();
    worker->exited("ended");
  });
}

void LocalCluster::Plan(const proto::RunPlanner& request,
                        std::function<void(absl::StatusOr<proto::JobGraph>)> done) {
  (void)request;
  done(plan_);
}

template <class Request, class Response>
absl::StatusOr<Response> LocalCluster::Call(
    void (jobmanager::ClientApi::*method)(Request, jobmanager::ClientApi::Reply<Response>),
    Request request) {
  auto reply = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  std::future<absl::StatusOr<Response>> answer = reply->get_future();
  executor_.Post([this, method, request, reply] {
    (job_manager_.get()->*method)(
        request, [reply](absl::StatusOr<Response> response) { reply->set_value(response); });
  });
  return answer.get();
}

absl::StatusOr<std::string> LocalCluster::Submit(const std::map<std::string, std::string>& options,
                                                 bool take_over) {
  proto::SubmitJobRequest request;
  request.set_take_over(take_over);
  request.set_client_token(random_.HexId("local-"));
  request.mutable_configuration()->insert(options.begin(), options.end());
  absl::StatusOr<proto::SubmitJobResponse> response =
      Call(&jobmanager::ClientApi::SubmitJob, std::move(request));
  if (!response.ok()) return response.status();
  return response->job();
}

absl::StatusOr<proto::JobSummary> LocalCluster::Summary(const std::string& job) {
  proto::DescribeJobRequest request;
  request.set_job(job);
  absl::StatusOr<proto::JobDetails> details =
      Call(&jobmanager::ClientApi::DescribeJob, std::move(request));
  if (!details.ok()) return details.status();
  return details->summary();
}

absl::Status LocalCluster::Stop(const std::string& job) {
  proto::StopJobRequest request;
  request.set_job(job);
  return Call(&jobmanager::ClientApi::StopJob, std::move(request)).status();
}

}  // namespace weir

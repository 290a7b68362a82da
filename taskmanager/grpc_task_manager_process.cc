#include "taskmanager/grpc_task_manager_process.h"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/base/system_random.h"
#include "common/config/options.h"
#include "common/exec/ask_executor.h"
#include "common/exec/executor_monitor.h"
#include "common/exec/mutex.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/http/admin_endpoints.h"
#include "common/http/http_server.h"
#include "common/io/posix_file_system.h"
#include "common/net/control_connection.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_client_stream.h"
#include "common/net/grpc_control_service.h"
#include "common/time/system_clock.h"
#include "taskmanager/agent/grpc_artifact_fetcher.h"
#include "taskmanager/agent/memory_cgroup.h"
#include "taskmanager/agent/memory_plan.h"
#include "taskmanager/agent/posix_process_launcher.h"
#include "taskmanager/agent/process_worker_launcher.h"
#include "taskmanager/agent/task_manager.h"
#include "taskmanager/work_directory.h"

namespace weir::taskmanager {
namespace {

// A probe gives up sooner than the executor, which may have much to do for a moment.
constexpr absl::Duration kAskTimeout = absl::Seconds(2);

/// How others end Serve(), and know nothing of when it has ended. Threads: any.
class ServedProcesses {
 public:
  explicit ServedProcesses(PosixProcessLauncher& processes) : processes_(&processes) {}
  void Stop() {
    MutexLock lock(mutex_);
    if (processes_ != nullptr) processes_->Stop();
  }
  void Forget() {
    MutexLock lock(mutex_);
    processes_ = nullptr;
  }

 private:
  Mutex mutex_;
  PosixProcessLauncher* processes_ WEIR_GUARDED_BY(mutex_);
};

MemoryPlan MemoryPlanOf(const Config& config) {
  MemoryPlanOptions options;
  options.memory_limit = config.Get(options::kTaskmanagerMemoryLimit).bytes;
  options.worker_memory_limit = config.Get(options::kTaskmanagerWorkerMemoryLimit).bytes;
  options.slots = static_cast<uint64_t>(config.Get(options::kTaskmanagerSlots));
  return PlanMemory(options, MemoryCgroup().FindLimit());
}

PosixProcessLauncherOptions ProcessOptionsOf(const MemoryPlan& memory) {
  PosixProcessLauncherOptions options;
  options.memory_limit_bytes = memory.workers_bytes;
  options.memory_limit_source = absl::StrCat("what ", FormatBytes(memory.limit_bytes), " by ",
                                             memory.limit_source, " leaves for workers");
  return options;
}

/// Everything of the process, in the order in which it can be taken down.
class TaskManagerProcess {
 public:
  TaskManagerProcess(const Config& config, WorkDirectory directory,
                     std::unique_ptr<GrpcChannelFactory> channels, SecurityOptions security,
                     SystemRandom& random)
      : config_(config),
        directory_(std::move(directory)),
        channels_(std::move(channels)),
        security_(std::move(security)),
        random_(random),
        memory_(MemoryPlanOf(config)),
        files_(random) {}

  absl::Status Run(const std::function<void(std::function<void()> stop)>& on_serving);

 private:
  using Streams = std::map<TaskManager::StreamId, std::unique_ptr<MessageStream>>;

  TaskManager::Options TaskManagerOptions();
  ProcessWorkerLauncher::Options LauncherOptions() const;
  absl::Status ServeWorkers();
  MessageStreamCallbacks AcceptWorker(std::unique_ptr<MessageStream> stream);
  void StartOnExecutor();
  void TakeDown();
  absl::Status ServeHttp();
  // Called by threads of the HTTP server.
  HealthReport Ready();
  HealthReport Started();
  absl::StatusOr<MetricsPage> Metrics();

  const Config& config_;
  WorkDirectory directory_;
  std::unique_ptr<GrpcChannelFactory> channels_;
  std::unique_ptr<GrpcChannelFactory> local_channels_;
  const SecurityOptions security_;
  SystemRandom& random_;
  const MemoryPlan memory_;
  SystemClock clock_;
  PosixFileSystem files_;
  ThreadExecutor executor_{{.name = "weir-tm"}};
  ThreadBlockingPool pool_{{.name = "weir-blocking", .threads = 4}};
  ExecutorMonitor monitor_{"weir-tm", executor_, clock_};
  std::atomic<bool> started_{false};  // it was registered once
  PosixProcessLauncher processes_{executor_, ProcessOptionsOf(memory_)};
  std::optional<GrpcArtifactFetcher> fetcher_;
  std::optional<ArtifactCache> artifacts_;
  std::optional<ProcessJobPlanner> planner_;
  std::optional<ProcessWorkerLauncher> launcher_;
  std::optional<TaskManager> task_manager_;
  std::optional<ControlConnection> leader_;
  Streams streams_;
  std::unique_ptr<GrpcControlService> service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<HttpServer> http_;
  absl::Status fatal_;  // written on the executor before Stop, read after Serve
};

TaskManager::Options TaskManagerProcess::TaskManagerOptions() {
  TaskManager::Options options;
  options.id = TaskManagerId(random_.HexId("tm-"));
  options.node = directory_.node();
  options.host = config_.Get(options::kTaskmanagerHost);
  options.cluster = config_.Get(options::kClusterId);
  options.storage_root = config_.Get(options::kStorageRoot);
  options.slots = static_cast<uint32_t>(config_.Get(options::kTaskmanagerSlots));
  options.incarnation = directory_.incarnation();
  options.slot_memory_bytes = memory_.slot_bytes;
  options.pid = static_cast<uint64_t>(getpid());
  options.heartbeat_interval = config_.Get(options::kHeartbeatInterval);
  options.leader_timeout = config_.Get(options::kHeartbeatTaskmanagerTimeout);
  return options;
}

std::map<std::string, std::string> OwnEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

ProcessWorkerLauncher::Options TaskManagerProcess::LauncherOptions() const {
  ProcessWorkerLauncher::Options options;
  options.socket = absl::StrCat("unix:", directory_.socket_path());
  options.host = config_.Get(options::kTaskmanagerHost);
  options.exchange_tls = security_.tls();
  options.log_directory = directory_.path() + "/logs";
  options.state_directory = directory_.path() + "/state";
  options.log_level = config_.Get(options::kLogLevel);
  options.log_format = config_.Get(options::kLogFormat);
  options.parent_pid = static_cast<uint64_t>(getpid());
  options.memory_limit_bytes = memory_.worker_bytes;
  options.keep_logs = static_cast<size_t>(config_.Get(options::kWorkerKeepLogs));
  options.environment = ScrubbedEnvironment(OwnEnvironment());
  return options;
}

MessageStreamCallbacks TaskManagerProcess::AcceptWorker(std::unique_ptr<MessageStream> stream) {
  MessageStream* raw = stream.get();
  auto id = std::make_shared<TaskManager::StreamId>(0);
  *id = task_manager_->OnWorkerStreamUp(
      [raw](proto::Envelope envelope) { raw->Send(std::move(envelope)); },
      [this, id] { executor_.Post([this, id] { streams_.erase(*id); }); });
  streams_[*id] = std::move(stream);
  MessageStreamCallbacks callbacks;
  callbacks.on_message = [this, id](const proto::Envelope& envelope) {
    task_manager_->OnWorkerMessage(*id, envelope);
  };
  callbacks.on_broken = [this, id](const absl::Status&) {
    task_manager_->OnWorkerStreamDown(*id);
    streams_.erase(*id);
  };
  return callbacks;
}

absl::Status TaskManagerProcess::ServeWorkers() {
  WEIR_ASSIGN_OR_RETURN(local_channels_, GrpcChannelFactory::Create({}));
  service_ = std::make_unique<GrpcControlService>(
      executor_, GrpcAuthorizer(""),
      [this](std::unique_ptr<MessageStream> stream) { return AcceptWorker(std::move(stream)); });
  WEIR_ASSIGN_OR_RETURN(
      server_, local_channels_->StartServer(absl::StrCat("unix:", directory_.socket_path()),
                                            {service_.get()}));
  return absl::OkStatus();
}

HealthReport TaskManagerProcess::Ready() {
  struct Answer {
    bool registered = false;
    bool was_registered = false;
    LeaderTerm term;
  };
  const std::optional<Answer> answer = AskExecutor<Answer>(executor_, kAskTimeout, [this] {
    return Answer{task_manager_->registered(), task_manager_->was_registered(),
                  task_manager_->term()};
  });
  if (!answer.has_value()) return HealthReport::Unavailable("thread weir-tm does not answer");
  if (answer->was_registered) started_ = true;
  HealthReport report;
  if (!answer->registered) {
    return HealthReport::Unavailable("it is not registered at a leading JobManager");
  }
  report.details = {{"role", "taskmanager"}, {"term", absl::StrCat(answer->term.value())}};
  return report;
}

HealthReport TaskManagerProcess::Started() {
  if (started_) return HealthReport();
  const HealthReport ready = Ready();
  return started_ ? HealthReport() : ready;
}

absl::StatusOr<MetricsPage> TaskManagerProcess::Metrics() {
  std::optional<MetricsPage> page = AskExecutor<MetricsPage>(executor_, kAskTimeout, [this] {
    MetricsPage filled;
    task_manager_->AddMetrics(&filled);
    return filled;
  });
  if (!page.has_value()) return absl::UnavailableError("thread weir-tm does not answer");
  return *std::move(page);
}

// Behind the closure that makes the TaskManager, so that all questions find it.
absl::Status TaskManagerProcess::ServeHttp() {
  AdminSources sources;
  sources.program = "weir-taskmanager";
  sources.config = &config_;
  sources.live = [this] { return LivenessOf({{monitor_.name(), monitor_.Look()}}); };
  sources.started = [this] { return Started(); };
  sources.ready = [this] { return Ready(); };
  sources.metrics = [this] { return Metrics(); };
  sources.certificates = channels_->certificates();
  HttpServerOptions options;
  options.option = std::string(options::kTaskmanagerHttpAddress.key());
  options.address = config_.Get(options::kTaskmanagerHttpAddress);
  options.or_any_port = !config_.IsSet(options::kTaskmanagerHttpAddress.spec());
  options.security = security_;
  options.certificates = channels_->certificates();
  WEIR_ASSIGN_OR_RETURN(http_, HttpServer::Start(std::move(options), AdminRoutes(sources)));
  return absl::OkStatus();
}

void TaskManagerProcess::StartOnExecutor() {
  TaskManager::Dependencies dependencies{
      clock_,
      executor_,
      pool_,
      files_,
      *launcher_,
      [this](proto::Envelope envelope) { leader_->Send(std::move(envelope)); },
      [this](const std::string& address, const std::string& why) {
        executor_.Post([this, address, why] { leader_->MoveOn(address, why); });
      },
      [this] { leader_->Confirm(); },
      [this](const absl::Status& status) {
        fatal_ = status;
        processes_.Stop();
      }};
  task_manager_.emplace(TaskManagerOptions(), std::move(dependencies));
  ControlConnectionOptions options;
  options.addresses = config_.Get(options::kJobmanagerAddresses);
  leader_.emplace(
      executor_, std::move(options),
      [this](const std::string& address, MessageStreamCallbacks callbacks) {
        return ConnectGrpcStream(*channels_, address, executor_, std::move(callbacks));
      },
      ControlConnectionCallbacks{
          [this] { task_manager_->OnLeaderStreamUp(); },
          [this](const proto::Envelope& envelope) { task_manager_->OnLeaderMessage(envelope); },
          [this](const absl::Status& status) {
            LogWarning("no stream to a leader", {{"reason", status}});
            task_manager_->OnLeaderStreamDown();
          }});
  leader_->Start();
}

absl::Status TaskManagerProcess::Run(
    const std::function<void(std::function<void()> stop)>& on_serving) {
  fetcher_.emplace(executor_, pool_, *channels_,
                   [addresses = config_.Get(options::kJobmanagerAddresses)] { return addresses; });
  ArtifactCacheOptions cache;
  cache.directory = directory_.path() + "/artifacts";
  artifacts_.emplace(executor_, pool_, *fetcher_, std::move(cache));
  ProcessJobPlannerOptions plans;
  plans.directory = directory_.path() + "/plans";
  plans.environment = ScrubbedEnvironment(OwnEnvironment());
  planner_.emplace(executor_, pool_, processes_, random_, std::move(plans));
  launcher_.emplace(LauncherOptions(),
                    ProcessWorkerLauncher::Dependencies{clock_, executor_, pool_, files_,
                                                        *artifacts_, processes_, *planner_});
  executor_.Post([this] { StartOnExecutor(); });
  absl::Status serving = ServeWorkers();
  if (serving.ok()) serving = ServeHttp();
  if (!serving.ok()) {
    TakeDown();
    return serving;
  }
  LogInfo("TaskManager started", {{"work_dir", directory_.path()},
                                  {"http", http_->address()},
                                  {"memory_limit", memory_.limit_bytes},
                                  {"memory_limit_of", memory_.limit_source},
                                  {"memory_of_workers", memory_.workers_bytes}});
  const auto served = std::make_shared<ServedProcesses>(processes_);
  on_serving([served] { served->Stop(); });
  if (processes_.Serve() != 0) {  // a signal: an orderly end, which a second one cuts short
    executor_.Post([this] { task_manager_->Leave([this] { processes_.Stop(); }); });
    processes_.Serve();
  }
  served->Forget();
  TakeDown();
  return fatal_;
}

void TaskManagerProcess::TakeDown() {
  if (http_ != nullptr) http_->Shutdown();
  if (service_ != nullptr) service_->Shutdown();
  if (server_ != nullptr) server_->Shutdown();
  pool_.Shutdown();
  executor_.Shutdown();
  streams_.clear();
  leader_.reset();
  task_manager_.reset();
}

}  // namespace

absl::Status RunTaskManager(const Config& config,
                            const std::function<void(std::function<void()> stop)>& serving) {
  SystemRandom random;
  WEIR_ASSIGN_OR_RETURN(SecurityOptions security, ReadSecurityOptions(config));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<GrpcChannelFactory> channels,
                        GrpcChannelFactory::Create(security));
  WEIR_ASSIGN_OR_RETURN(WorkDirectory directory,
                        WorkDirectory::Open(config.Get(options::kTaskmanagerWorkDir), random));
  return TaskManagerProcess(config, std::move(directory), std::move(channels), std::move(security),
                            random)
      .Run(serving);
}

}  // namespace weir::taskmanager

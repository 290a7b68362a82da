#include "taskmanager/grpc_task_manager_process.h"

#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/base/system_random.h"
#include "common/config/options.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/io/posix_file_system.h"
#include "common/net/control_connection.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_client_stream.h"
#include "common/net/grpc_control_service.h"
#include "common/time/system_clock.h"
#include "taskmanager/agent/grpc_artifact_fetcher.h"
#include "taskmanager/agent/posix_process_launcher.h"
#include "taskmanager/agent/process_worker_launcher.h"
#include "taskmanager/agent/task_manager.h"
#include "taskmanager/work_directory.h"

namespace weir::taskmanager {
namespace {

/// Everything of the process, in the order in which it can be taken down.
class TaskManagerProcess {
 public:
  TaskManagerProcess(const Config& config, WorkDirectory directory,
                     std::unique_ptr<GrpcChannelFactory> channels, SystemRandom& random)
      : config_(config),
        directory_(std::move(directory)),
        channels_(std::move(channels)),
        random_(random),
        files_(random) {}

  absl::Status Run();

 private:
  using Streams = std::map<TaskManager::StreamId, std::unique_ptr<MessageStream>>;

  TaskManager::Options TaskManagerOptions();
  ProcessWorkerLauncher::Options LauncherOptions() const;
  absl::Status ServeWorkers();
  MessageStreamCallbacks AcceptWorker(std::unique_ptr<MessageStream> stream);
  void StartOnExecutor();
  void TakeDown();

  const Config& config_;
  WorkDirectory directory_;
  std::unique_ptr<GrpcChannelFactory> channels_;
  std::unique_ptr<GrpcChannelFactory> local_channels_;
  SystemRandom& random_;
  SystemClock clock_;
  PosixFileSystem files_;
  ThreadExecutor executor_{{.name = "weir-tm"}};
  ThreadBlockingPool pool_{{.name = "weir-blocking", .threads = 4}};
  PosixProcessLauncher processes_{executor_};
  std::optional<GrpcArtifactFetcher> fetcher_;
  std::optional<ArtifactCache> artifacts_;
  std::optional<ProcessJobPlanner> planner_;
  std::optional<ProcessWorkerLauncher> launcher_;
  std::optional<TaskManager> task_manager_;
  std::optional<ControlConnection> leader_;
  Streams streams_;
  std::unique_ptr<GrpcControlService> service_;
  std::unique_ptr<GrpcServer> server_;
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
  options.pid = static_cast<uint64_t>(getpid());
  options.heartbeat_interval = config_.Get(options::kHeartbeatInterval);
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
  options.log_directory = directory_.path() + "/logs";
  options.log_level = config_.Get(options::kLogLevel);
  options.log_format = config_.Get(options::kLogFormat);
  options.parent_pid = static_cast<uint64_t>(getpid());
  options.memory_limit_bytes = config_.Get(options::kTaskmanagerWorkerMemoryLimit).bytes;
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

absl::Status TaskManagerProcess::Run() {
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
                    ProcessWorkerLauncher::Dependencies{executor_, pool_, files_, *artifacts_,
                                                        processes_, *planner_});
  executor_.Post([this] { StartOnExecutor(); });
  const absl::Status serving = ServeWorkers();
  if (!serving.ok()) {
    TakeDown();
    return serving;
  }
  LogInfo("TaskManager started", {{"work_dir", directory_.path()}});
  processes_.Serve();
  TakeDown();
  return fatal_;
}

void TaskManagerProcess::TakeDown() {
  if (service_ != nullptr) service_->Shutdown();
  if (server_ != nullptr) server_->Shutdown();
  pool_.Shutdown();
  executor_.Shutdown();
  streams_.clear();
  leader_.reset();
  task_manager_.reset();
}

}  // namespace

absl::Status RunTaskManager(const Config& config) {
  SystemRandom random;
  WEIR_ASSIGN_OR_RETURN(SecurityOptions security, ReadSecurityOptions(config));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<GrpcChannelFactory> channels,
                        GrpcChannelFactory::Create(std::move(security)));
  WEIR_ASSIGN_OR_RETURN(WorkDirectory directory,
                        WorkDirectory::Open(config.Get(options::kTaskmanagerWorkDir), random));
  return TaskManagerProcess(config, std::move(directory), std::move(channels), random).Run();
}

}  // namespace weir::taskmanager

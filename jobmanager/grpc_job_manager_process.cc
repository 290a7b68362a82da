#include "jobmanager/grpc_job_manager_process.h"

#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/base/system_random.h"
#include "common/config/bind_address.h"
#include "common/config/options.h"
#include "common/exec/ask_executor.h"
#include "common/exec/executor_monitor.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/http/admin_endpoints.h"
#include "common/http/http_server.h"
#include "common/io/measured_file_system.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_control_service.h"
#include "common/time/system_clock.h"
#include "jobmanager/dispatcher/artifact_store.h"
#include "jobmanager/dispatcher/grpc_client_service.h"
#include "jobmanager/ha/file_lock.h"
#include "jobmanager/ha/file_lock_election.h"
#include "jobmanager/job_manager.h"
#include "jobmanager/job_manager_health.h"
#include "jobmanager/job_manager_metrics.h"
#include "state/checkpoint/storage_check.h"

namespace weir::jobmanager {
namespace {

// A probe gives up sooner than the executor, which may have much to do for a moment.
constexpr absl::Duration kAskTimeout = absl::Seconds(2);

}  // namespace

/// Everything of the process, in the order in which it can be taken down.
class JobManagerProcess {
 public:
  JobManagerProcess(const Config& config, std::unique_ptr<GrpcChannelFactory> channels,
                    SecurityOptions security, FileSystem& files,
                    std::function<void(const absl::Status&)> lost)
      : config_(config),
        channels_(std::move(channels)),
        security_(std::move(security)),
        lost_(std::move(lost)),
        files_(files, clock_),
        layout_(config.Get(options::kStorageRoot), config.Get(options::kClusterId)),
        artifacts_(layout_.ArtifactDirectory(), random_),
        election_(layout_.LeaderLockPath(), executor_, pool_),
        core_(MakeIdentity(), MakeDependencies(), election_) {}

  absl::Status Start();
  /// Also after a Start that failed.
  void TakeDown();
  const std::string& address() const { return server_->address(); }

 private:
  MessageStreamCallbacks AcceptStream(std::unique_ptr<MessageStream> stream);
  Dispatcher::Identity MakeIdentity();
  Dispatcher::Dependencies MakeDependencies();
  absl::StatusOr<std::unique_ptr<HttpServer>> StartHttp();
  // Called by threads of the HTTP server.
  HealthReport Ready();
  HealthReport Started();
  absl::StatusOr<MetricsPage> Metrics();

  const Config& config_;
  std::unique_ptr<GrpcChannelFactory> channels_;
  const SecurityOptions security_;
  const std::function<void(const absl::Status&)> lost_;
  SystemRandom random_;
  SystemClock clock_;
  MeasuredFileSystem files_;
  StorageLayout layout_;
  ThreadExecutor executor_{{.name = "weir-jm"}};
  ThreadBlockingPool pool_{{.name = "weir-blocking", .threads = 8}};
  ExecutorMonitor monitor_{"weir-jm", executor_, clock_};
  std::atomic<bool> started_{false};  // it was ready once
  ArtifactStore artifacts_;
  FileLockElection election_;
  JobManager core_;  // used on the executor
  std::map<JobManager::StreamId, std::unique_ptr<MessageStream>> streams_;
  std::unique_ptr<GrpcControlService> control_;
  std::unique_ptr<GrpcClientService> client_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<HttpServer> http_;
};

MessageStreamCallbacks JobManagerProcess::AcceptStream(std::unique_ptr<MessageStream> stream) {
  MessageStream* raw = stream.get();
  auto id = std::make_shared<JobManager::StreamId>(0);
  *id = core_.OnControlStreamUp([raw](proto::Envelope envelope) { raw->Send(std::move(envelope)); },
                                [this, id] {
                                  executor_.Post([this, id] {
                                    core_.OnControlStreamDown(*id);
                                    streams_.erase(*id);
                                  });
                                });
  streams_[*id] = std::move(stream);
  MessageStreamCallbacks callbacks;
  callbacks.on_message = [this, id](const proto::Envelope& envelope) {
    core_.OnControlMessage(*id, envelope);
  };
  callbacks.on_broken = [this, id](const absl::Status&) {
    core_.OnControlStreamDown(*id);
    streams_.erase(*id);
  };
  return callbacks;
}

Dispatcher::Identity JobManagerProcess::MakeIdentity() {
  Dispatcher::Identity identity;
  identity.cluster = config_.Get(options::kClusterId);
  identity.process = random_.HexId("jm-");
  identity.pid = static_cast<uint64_t>(getpid());
  return identity;
}

Dispatcher::Dependencies JobManagerProcess::MakeDependencies() {
  return Dispatcher::Dependencies{
      clock_,
      executor_,
      pool_,
      files_,
      random_,
      layout_,
      config_,
      [this](const ArtifactId& id) { return artifacts_.Contains(id); },
      [this](const absl::Status& why) {
        lost_(absl::AbortedError(absl::StrCat("this JobManager no longer leads: ", why.message())));
      }};
}

HealthReport JobManagerProcess::Ready() {
  const std::optional<JobManagerStatus> status =
      AskExecutor<JobManagerStatus>(executor_, kAskTimeout, [this] { return core_.Status(); });
  if (!status.has_value()) return HealthReport::Unavailable("thread weir-jm does not answer");
  HealthReport report = ReadinessOf(*status);
  if (report.ok) started_ = true;
  return report;
}

HealthReport JobManagerProcess::Started() { return started_ ? HealthReport() : Ready(); }

absl::StatusOr<MetricsPage> JobManagerProcess::Metrics() {
  std::optional<MetricsPage> page = AskExecutor<MetricsPage>(executor_, kAskTimeout, [this] {
    MetricsPage filled;
    AddJobManagerMetrics(core_, clock_.Now(), &filled);
    return filled;
  });
  if (!page.has_value()) return absl::UnavailableError("thread weir-jm does not answer");
  AddStorageMetrics(files_, &*page);
  return *std::move(page);
}

absl::StatusOr<std::unique_ptr<HttpServer>> JobManagerProcess::StartHttp() {
  AdminSources sources;
  sources.program = "weir-jobmanager";
  sources.config = &config_;
  sources.live = [this] { return LivenessOf({{monitor_.name(), monitor_.Look()}}); };
  sources.started = [this] { return Started(); };
  sources.ready = [this] { return Ready(); };
  sources.metrics = [this] { return Metrics(); };
  sources.certificates = channels_->certificates();
  HttpServerOptions options;
  options.option = std::string(options::kJobmanagerHttpAddress.key());
  options.address = config_.Get(options::kJobmanagerHttpAddress);
  options.or_any_port = !config_.IsSet(options::kJobmanagerHttpAddress.spec());
  options.security = security_;
  options.certificates = channels_->certificates();
  return HttpServer::Start(std::move(options), AdminRoutes(std::move(sources)));
}

absl::Status JobManagerProcess::Start() {
  WEIR_RETURN_IF_ERROR(CheckStorage(files_, layout_.ClusterLogDirectory(), random_));
  WEIR_RETURN_IF_ERROR(CheckFileLock(layout_.cluster_directory(), random_));
  control_ = std::make_unique<GrpcControlService>(
      executor_, channels_->authorizer(),
      [this](std::unique_ptr<MessageStream> stream) { return AcceptStream(std::move(stream)); });
  client_ = std::make_unique<GrpcClientService>(executor_, pool_, channels_->authorizer(), core_,
                                                artifacts_);
  WEIR_ASSIGN_OR_RETURN(server_, channels_->StartServer(config_.Get(options::kRpcAddress),
                                                        {control_.get(), client_.get()}));
  WEIR_ASSIGN_OR_RETURN(http_, StartHttp());
  const std::string advertised = config_.Get(options::kRpcAdvertisedAddress);
  executor_.Post([this, address = advertised.empty() ? server_->address() : advertised] {
    core_.SetAddress(address);
    core_.Start();
  });
  LogInfo("JobManager started", {{"address", server_->address()}, {"http", http_->address()}});
  return absl::OkStatus();
}

void JobManagerProcess::TakeDown() {
  if (http_ != nullptr) http_->Shutdown();
  if (control_ != nullptr) control_->Shutdown();
  if (client_ != nullptr) client_->Shutdown();
  if (server_ != nullptr) server_->Shutdown();
  pool_.Shutdown();
  executor_.Shutdown();
  streams_.clear();
}

JobManagerServer::JobManagerServer(std::unique_ptr<JobManagerProcess> process)
    : process_(std::move(process)) {}

JobManagerServer::~JobManagerServer() { process_->TakeDown(); }

const std::string& JobManagerServer::address() const { return process_->address(); }

absl::StatusOr<std::unique_ptr<JobManagerServer>> JobManagerServer::Start(
    const Config& config, FileSystem& files, std::function<void(const absl::Status&)> lost) {
  WEIR_ASSIGN_OR_RETURN(SecurityOptions security, ReadSecurityOptions(config));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<GrpcChannelFactory> channels,
                        GrpcChannelFactory::Create(security));
  std::unique_ptr<JobManagerServer> server(new JobManagerServer(std::make_unique<JobManagerProcess>(
      config, std::move(channels), std::move(security), files, std::move(lost))));
  WEIR_RETURN_IF_ERROR(server->process_->Start());
  return server;
}

absl::Status RunJobManager(const Config& config, FileSystem& files, SignalWaiter& signals) {
  if (config.Get(options::kSecurityInsecure)) {
    LogWarning("security.insecure is set: whoever reaches rpc.address can run any program");
  }
  absl::Status lost;  // written on the executor before RequestExit, read when it is gone
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<JobManagerServer> server,
                        JobManagerServer::Start(config, files, [&](const absl::Status& why) {
                          lost = why;
                          signals.RequestExit();
                        }));
  signals.Wait();
  server.reset();
  return lost;
}

}  // namespace weir::jobmanager

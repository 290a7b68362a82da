#include "weir/testing/mini_cluster.h"

#include <signal.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "api/testing/cluster_directory.h"
#include "api/testing/task_manager_thread.h"
#include "client/cluster_client.h"
#include "client/pause.h"
#include "client/submit.h"
#include "common/base/status_macros.h"
#include "common/base/system_random.h"
#include "common/config/config.h"
#include "common/config/options.h"
#include "common/io/posix_file_system.h"
#include "common/time/system_clock.h"
#include "jobmanager/grpc_job_manager_process.h"

namespace weir::testing {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);
constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr char kAnyPort[] = "127.0.0.1:0";

using Values = std::map<std::string, std::string>;
using JobCondition = std::function<bool(const MiniClusterJobStatus&)>;

MiniClusterJobStatus FromProto(const proto::JobDetails& details) {
  MiniClusterJobStatus status;
  status.state = details.summary().state();
  status.reason = details.summary().reason();
  status.generation = details.summary().generation();
  status.restarts = details.summary().restarts();
  status.completed_checkpoints = details.checkpoints().completed();
  if (details.checkpoints().has_latest_epoch()) {
    status.latest_checkpoint = details.checkpoints().latest_epoch();
  }
  for (const proto::WorkerDetails& worker : details.workers()) {
    status.workers.push_back({worker.worker(), static_cast<int64_t>(worker.pid()), worker.state()});
  }
  return status;
}

std::string Situation(const std::string& job, const MiniClusterJobStatus& status) {
  return absl::StrCat("job ", job, " is ", status.state, status.reason.empty() ? "" : ": ",
                      status.reason);
}

}  // namespace

class MiniCluster::Impl {
 public:
  ~Impl() { Stop(); }

  absl::Status Start(const MiniClusterOptions& options);
  void Stop();
  absl::StatusOr<std::string> Submit(const MiniClusterJob& job);
  absl::StatusOr<MiniClusterJobStatus> Describe(const std::string& job);
  absl::Status AwaitState(const std::string& job, const std::string& state, Timeout timeout);
  absl::Status Await(const std::string& job, const JobCondition& condition, Timeout timeout);
  absl::Status AwaitCheckpoint(const std::string& job, Timeout timeout);
  absl::Status KillWorker(const std::string& job, size_t number);
  absl::Status RestartJobManager();
  absl::Status StopJob(const std::string& job);
  absl::Status Cancel(const std::string& job);

  const std::string& address() const { return address_; }
  const std::string& directory() const { return directory_.path(); }

  /// Remembers the error.
  bool Check(const absl::Status& status) {
    if (!status.ok()) error_ = std::string(status.message());
    return status.ok();
  }
  const std::string& error() const { return error_; }

 private:
  absl::StatusOr<Config> ServerConfig(const Values& own) const;
  absl::Status StartJobManager(const std::string& address);
  absl::Status StartTaskManager(int number);
  absl::Status AwaitComplete();
  absl::Status CheckStarted() const {
    if (client_ != nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError("the cluster is not started");
  }

  MiniClusterOptions options_;
  internal::ClusterDirectory directory_;
  SystemRandom random_;
  SystemClock clock_;
  PosixFileSystem files_{random_};
  std::string address_;
  std::optional<Config> job_manager_config_;
  std::unique_ptr<jobmanager::JobManagerServer> job_manager_;
  std::vector<std::unique_ptr<internal::TaskManagerThread>> task_managers_;
  std::unique_ptr<ClusterClient> client_;
  std::string error_;
};

absl::StatusOr<Config> MiniCluster::Impl::ServerConfig(const Values& own) const {
  Values values = {{std::string(options::kClusterId.key()), "mini"},
                   {std::string(options::kHeartbeatInterval.key()), "100ms"},
                   {std::string(options::kStorageRoot.key()), directory_.File("storage")}};
  for (const auto& [key, value] : options_.configuration) values[key] = value;
  for (const auto& [key, value] : own) values[key] = value;
  return Config::FromValues(values);
}

absl::Status MiniCluster::Impl::Start(const MiniClusterOptions& options) {
  if (!address_.empty()) return absl::FailedPreconditionError("a cluster is started once");
  options_ = options;
  WEIR_RETURN_IF_ERROR(directory_.Open(options.directory));
  WEIR_RETURN_IF_ERROR(StartJobManager(kAnyPort));
  ClusterClientOptions client;
  client.addresses = {address_};
  WEIR_ASSIGN_OR_RETURN(client_, MakeClusterClient(std::move(client)));
  for (int number = 1; number <= options.task_managers; ++number) {
    WEIR_RETURN_IF_ERROR(StartTaskManager(number));
  }
  return AwaitComplete();
}

absl::Status MiniCluster::Impl::StartJobManager(const std::string& address) {
  WEIR_ASSIGN_OR_RETURN(
      job_manager_config_,
      ServerConfig({{std::string(options::kRpcAddress.key()), address},
                    {std::string(options::kJobmanagerHttpAddress.key()), kAnyPort}}));
  WEIR_ASSIGN_OR_RETURN(job_manager_,
                        jobmanager::JobManagerServer::Start(*job_manager_config_, files_,
                                                            [](const absl::Status&) {}));
  address_ = job_manager_->address();
  return absl::OkStatus();
}

absl::Status MiniCluster::Impl::StartTaskManager(int number) {
  const std::string name = absl::StrCat("taskmanager-", number);
  WEIR_ASSIGN_OR_RETURN(
      Config config,
      ServerConfig({{std::string(options::kJobmanagerAddresses.key()), address_},
                    {std::string(options::kTaskmanagerHttpAddress.key()), kAnyPort},
                    {std::string(options::kTaskmanagerSlots.key()), absl::StrCat(options_.slots)},
                    {std::string(options::kTaskmanagerWorkDir.key()), directory_.File(name)}}));
  task_managers_.push_back(std::make_unique<internal::TaskManagerThread>(
      absl::StrCat("weir-tm-", number), std::move(config)));
  return absl::OkStatus();
}

absl::Status MiniCluster::Impl::AwaitComplete() {
  const absl::Duration end = clock_.Monotonic() + kStartTimeout;
  size_t registered = 0;
  while (true) {
    for (const auto& task_manager : task_managers_) {
      WEIR_RETURN_IF_ERROR(Annotate(task_manager->status(), "a TaskManager has ended"));
    }
    const absl::StatusOr<proto::ClusterDetails> details = client_->DescribeCluster();
    if (details.ok()) {
      registered = 0;
      for (const proto::TaskManagerDetails& one : details->task_managers()) {
        registered += one.state() == "REGISTERED" ? 1 : 0;
      }
      if (registered >= task_managers_.size()) return absl::OkStatus();
    }
    if (clock_.Monotonic() > end) {
      WEIR_RETURN_IF_ERROR(details.status());
      return absl::DeadlineExceededError(absl::StrCat(registered, " of ", task_managers_.size(),
                                                      " TaskManagers are registered after ",
                                                      absl::FormatDuration(kStartTimeout)));
    }
    Pause(kPollInterval);
  }
}

void MiniCluster::Impl::Stop() {
  task_managers_.clear();
  client_.reset();
  job_manager_.reset();
}

absl::StatusOr<std::string> MiniCluster::Impl::Submit(const MiniClusterJob& job) {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  JobSubmission submission;
  submission.binary = job.program;
  submission.arguments = job.arguments;
  submission.configuration = job.configuration;
  submission.name = job.name;
  return weir::Submit(*client_, random_, submission);
}

absl::StatusOr<MiniClusterJobStatus> MiniCluster::Impl::Describe(const std::string& job) {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  WEIR_ASSIGN_OR_RETURN(const proto::JobDetails details, client_->DescribeJob(job));
  return FromProto(details);
}

absl::Status MiniCluster::Impl::AwaitState(const std::string& job, const std::string& state,
                                           Timeout timeout) {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  WaitOptions options;
  options.clock = &clock_;
  options.pause = &Pause;
  options.timeout = absl::FromChrono(timeout);
  options.poll_interval = kPollInterval;
  return WaitForState(*client_, job, {state}, options).status();
}

absl::Status MiniCluster::Impl::Await(const std::string& job, const JobCondition& condition,
                                      Timeout timeout) {
  const absl::Duration end = clock_.Monotonic() + absl::FromChrono(timeout);
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const MiniClusterJobStatus status, Describe(job));
    if (condition(status)) return absl::OkStatus();
    if (clock_.Monotonic() > end) {
      return absl::DeadlineExceededError(
          absl::StrCat("it is not so after ", absl::FormatDuration(absl::FromChrono(timeout)), "; ",
                       Situation(job, status)));
    }
    Pause(kPollInterval);
  }
}

absl::Status MiniCluster::Impl::AwaitCheckpoint(const std::string& job, Timeout timeout) {
  WEIR_ASSIGN_OR_RETURN(const MiniClusterJobStatus before, Describe(job));
  return Await(
      job,
      [&](const MiniClusterJobStatus& now) {
        return now.latest_checkpoint.has_value() &&
               now.latest_checkpoint > before.latest_checkpoint;
      },
      timeout);
}

absl::Status MiniCluster::Impl::KillWorker(const std::string& job, size_t number) {
  WEIR_ASSIGN_OR_RETURN(const MiniClusterJobStatus before, Describe(job));
  if (before.state != "RUNNING") {
    return absl::FailedPreconditionError(
        absl::StrCat("no worker is killed: ", Situation(job, before)));
  }
  if (number >= before.workers.size()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no worker number ", number, ": job ",
                                                   job, " has ", before.workers.size()));
  }
  const MiniClusterWorker& worker = before.workers[number];
  if (worker.pid <= 0 || kill(static_cast<pid_t>(worker.pid), SIGKILL) != 0) {
    return absl::UnknownError(absl::StrCat("worker ", worker.id, " with the pid ", worker.pid,
                                           " cannot be killed: ", std::strerror(errno)));
  }
  return Annotate(Await(
                      job,
                      [&](const MiniClusterJobStatus& now) {
                        return now.generation > before.generation || now.state != "RUNNING";
                      },
                      kTimeout),
                  "the worker was killed");
}

absl::Status MiniCluster::Impl::RestartJobManager() {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  job_manager_.reset();
  WEIR_RETURN_IF_ERROR(StartJobManager(std::string(address_)));
  return AwaitComplete();
}

absl::Status MiniCluster::Impl::StopJob(const std::string& job) {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  proto::StopJobRequest request;
  request.set_job(job);
  return client_->StopJob(request);
}

absl::Status MiniCluster::Impl::Cancel(const std::string& job) {
  WEIR_RETURN_IF_ERROR(CheckStarted());
  return client_->CancelJob(job);
}

MiniCluster::MiniCluster() : impl_(std::make_unique<Impl>()) {}
MiniCluster::~MiniCluster() = default;

bool MiniCluster::Start(const MiniClusterOptions& options) {
  return impl_->Check(impl_->Start(options));
}
void MiniCluster::Stop() { impl_->Stop(); }
std::string MiniCluster::Submit(const MiniClusterJob& job) {
  const absl::StatusOr<std::string> id = impl_->Submit(job);
  return impl_->Check(id.status()) ? *id : "";
}
std::optional<MiniClusterJobStatus> MiniCluster::Describe(const std::string& job) {
  absl::StatusOr<MiniClusterJobStatus> status = impl_->Describe(job);
  if (!impl_->Check(status.status())) return std::nullopt;
  return *std::move(status);
}
bool MiniCluster::AwaitState(const std::string& job, const std::string& state, Timeout timeout) {
  return impl_->Check(impl_->AwaitState(job, state, timeout));
}
bool MiniCluster::Await(const std::string& job, const JobCondition& condition, Timeout timeout) {
  return impl_->Check(impl_->Await(job, condition, timeout));
}
bool MiniCluster::AwaitCheckpoint(const std::string& job, Timeout timeout) {
  return impl_->Check(impl_->AwaitCheckpoint(job, timeout));
}
bool MiniCluster::Cancel(const std::string& job) { return impl_->Check(impl_->Cancel(job)); }
bool MiniCluster::StopJob(const std::string& job) { return impl_->Check(impl_->StopJob(job)); }
bool MiniCluster::KillWorker(const std::string& job, size_t number) {
  return impl_->Check(impl_->KillWorker(job, number));
}
bool MiniCluster::RestartJobManager() { return impl_->Check(impl_->RestartJobManager()); }
const std::string& MiniCluster::address() const { return impl_->address(); }
const std::string& MiniCluster::directory() const { return impl_->directory(); }
const std::string& MiniCluster::error() const { return impl_->error(); }

}  // namespace weir::testing

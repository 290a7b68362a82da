#include "tests/hosts/host_cluster.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "tests/support/cluster/weir_cluster.h"

namespace weir {
namespace {

constexpr absl::Duration kToolTimeout = absl::Seconds(60);
constexpr absl::Duration kKillTimeout = absl::Seconds(10);
constexpr absl::Duration kPollInterval = absl::Milliseconds(20);
// What anybody here asks of others is answered in less, or by nobody.
constexpr absl::Duration kCallTimeout = absl::Seconds(5);

bool IsTaskManager(const std::string& host) { return absl::StartsWith(host, "tm-"); }

}  // namespace

absl::Status HostCluster::MakeSecrets() {
  ChildProcessOptions options;
  options.working_directory = directory_.path();
  options.argv = {
      "sh", "-ec",
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "
      "ca.key -out ca.pem -subj /CN=weir-test-ca\n"
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out "
      "request.pem -subj /CN=weir\n"
      "printf 'subjectAltName=DNS:*.weir.test' > names\n"
      "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
      "-extfile names -out certificate.pem\n"
      "echo the-token > token"};
  WEIR_ASSIGN_OR_RETURN(const ProcessResult result,
                        ChildProcess::RunToEnd(std::move(options), kToolTimeout));
  if (result.exit_status != 0) return absl::InternalError(result.standard_error);
  return absl::OkStatus();
}

std::vector<std::string> HostCluster::hosts() const {
  std::vector<std::string> all;
  for (int number = 1; number <= kJobManagers; ++number) all.push_back(absl::StrCat("jm-", number));
  for (int number = 1; number <= kTaskManagers; ++number) {
    all.push_back(absl::StrCat("tm-", number));
  }
  return all;
}

std::string HostCluster::Addresses() const {
  std::vector<std::string> all;
  for (int number = 1; number <= kJobManagers; ++number) {
    all.push_back(absl::StrCat(HostNetwork::NameOf(absl::StrCat("jm-", number)), ":6123"));
  }
  return absl::StrJoin(all, ",");
}

std::vector<std::string> HostCluster::SecurityFlags() const {
  return {absl::StrCat("--security.tls.ca-file=", directory_.File("ca.pem")),
          absl::StrCat("--security.token-file=", directory_.File("token"))};
}

absl::StatusOr<std::unique_ptr<HostCluster>> HostCluster::Start(HostNetwork& network) {
  std::unique_ptr<HostCluster> cluster(new HostCluster(network));
  WEIR_RETURN_IF_ERROR(cluster->MakeSecrets());
  std::filesystem::create_directory(cluster->directory_.File("storage"));
  ClusterClientOptions options;
  for (int number = 1; number <= kJobManagers; ++number) {
    options.addresses.push_back(
        absl::StrCat(HostNetwork::NameOf(absl::StrCat("jm-", number)), ":6123"));
  }
  options.security.ca_file = cluster->directory_.File("ca.pem");
  options.security.token = "the-token";
  options.call_timeout = kCallTimeout;
  WEIR_ASSIGN_OR_RETURN(cluster->client_, MakeClusterClient(std::move(options)));
  for (const std::string& host : cluster->hosts()) WEIR_RETURN_IF_ERROR(network.AddHost(host));
  for (const std::string& host : cluster->hosts()) {
    WEIR_RETURN_IF_ERROR(cluster->StartServer(host));
  }
  WEIR_RETURN_IF_ERROR(cluster->AwaitComplete());
  return cluster;
}

HostCluster::~HostCluster() {
  for (const std::string& host : hosts()) {
    const auto processes = network_.Processes(host);
    if (!processes.ok()) continue;
    for (const pid_t pid : *processes) kill(pid, SIGKILL);
  }
}

absl::Status HostCluster::StartServer(const std::string& host) {
  const std::string name = HostNetwork::NameOf(host);
  ChildProcessOptions options;
  options.argv = network_.Inside(host);
  options.log_file = directory_.File(host + ".log");
  std::vector<std::string> command = SecurityFlags();
  command.insert(
      command.begin(),
      {WeirProgram(IsTaskManager(host) ? "weir-taskmanager" : "weir-jobmanager"),
       "--cluster.id=hosts", absl::StrCat("--storage.root=", directory_.File("storage")),
       absl::StrCat("--security.tls.certificate-file=", directory_.File("certificate.pem")),
       absl::StrCat("--security.tls.key-file=", directory_.File("key.pem")),
       "--heartbeat.interval=100ms", "--heartbeat.suspect-after=500ms",
       absl::StrCat("--heartbeat.taskmanager-timeout=", absl::FormatDuration(kSilence))});
  if (IsTaskManager(host)) {
    command.push_back(absl::StrCat("--taskmanager.host=", name));
    command.push_back(absl::StrCat("--taskmanager.http-address=", name, ":6181"));
    command.push_back("--taskmanager.slots=2");
    command.push_back(absl::StrCat("--taskmanager.work-dir=", directory_.File(host)));
    command.push_back(absl::StrCat("--jobmanager.addresses=", Addresses()));
  } else {
    command.push_back(absl::StrCat("--rpc.address=", name, ":6123"));
    command.push_back(absl::StrCat("--jobmanager.http-address=", name, ":6180"));
  }
  options.argv.insert(options.argv.end(), command.begin(), command.end());
  servers_[host].reset();  // kills and reaps
  WEIR_ASSIGN_OR_RETURN(servers_[host], ChildProcess::Start(std::move(options)));
  return absl::OkStatus();
}

absl::Status HostCluster::Lose(const std::string& host) {
  WEIR_RETURN_IF_ERROR(network_.Unplug(host));
  WEIR_ASSIGN_OR_RETURN(const std::vector<pid_t> processes, network_.Processes(host));
  for (const pid_t pid : processes) kill(pid, SIGKILL);
  return servers_.at(host)->Wait(kKillTimeout).status();
}

absl::Status HostCluster::LoseWithDisk(const std::string& host) {
  WEIR_RETURN_IF_ERROR(Lose(host));
  const absl::Time end = absl::Now() + kKillTimeout;
  while (!network_.Processes(host)->empty() && absl::Now() < end) absl::SleepFor(kPollInterval);
  std::error_code error;
  std::filesystem::remove_all(directory_.File(host), error);
  if (error) return absl::InternalError(absl::StrCat(host, "'s disk: ", error.message()));
  return absl::OkStatus();
}

absl::Status HostCluster::BringBack(const std::string& host) {
  WEIR_RETURN_IF_ERROR(network_.Readdress(host));
  WEIR_RETURN_IF_ERROR(network_.Plug(host));
  return StartServer(host);
}

absl::StatusOr<int> HostCluster::Terminate(const std::string& host, absl::Duration timeout) {
  WEIR_RETURN_IF_ERROR(servers_.at(host)->Kill(SIGTERM));
  return servers_.at(host)->Wait(timeout);
}

absl::Status HostCluster::AwaitComplete(absl::Duration timeout) {
  std::set<std::string> expected;
  for (const std::string& host : hosts()) {
    if (IsTaskManager(host)) expected.insert(HostNetwork::NameOf(host));
  }
  std::string seen = "nothing";
  const absl::Time end = absl::Now() + timeout;
  while (absl::Now() < end) {
    const absl::StatusOr<proto::ClusterDetails> details = client_->DescribeCluster();
    std::multiset<std::string> registered;
    if (details.ok()) {
      for (const proto::TaskManagerDetails& one : details->task_managers()) {
        if (one.state() == "REGISTERED") registered.insert(one.host());
      }
    }
    // The former process of a host must be gone, too.
    if (registered == std::multiset<std::string>(expected.begin(), expected.end())) {
      return absl::OkStatus();
    }
    seen = details.ok() ? details->ShortDebugString() : details.status().ToString();
    absl::SleepFor(kPollInterval);
  }
  return absl::UnavailableError(absl::StrCat("the cluster is not complete: ", seen));
}

absl::StatusOr<std::string> HostCluster::Leader() {
  WEIR_ASSIGN_OR_RETURN(const proto::ClusterDetails details, client_->DescribeCluster());
  for (const std::string& host : hosts()) {
    if (absl::StartsWith(details.leader_address(), HostNetwork::NameOf(host))) return host;
  }
  return absl::NotFoundError(absl::StrCat(details.leader_address(), " is no host"));
}

absl::StatusOr<std::vector<std::string>> HostCluster::HostsOf(const std::string& job) {
  WEIR_ASSIGN_OR_RETURN(const proto::JobDetails details, client_->DescribeJob(job));
  std::set<std::string> task_managers;
  for (const proto::WorkerDetails& worker : details.workers()) {
    task_managers.insert(worker.task_manager());
  }
  return HostsOf(task_managers);
}

absl::StatusOr<std::vector<std::string>> HostCluster::BusyHostsOf(const std::string& job) {
  WEIR_ASSIGN_OR_RETURN(const proto::JobDetails details, client_->DescribeJob(job));
  std::set<std::string> reading;
  std::set<std::string> taking;
  for (const proto::TaskDetails& task : details.tasks()) {
    if (!task.splits().empty()) {
      reading.insert(task.worker());
    } else if (task.vertex() > 1 && task.records_in() > 0) {
      taking.insert(task.worker());
    }
  }
  std::set<std::string> task_managers;
  for (const proto::WorkerDetails& worker : details.workers()) {
    if (reading.count(worker.worker()) > 0 && taking.count(worker.worker()) > 0) {
      task_managers.insert(worker.task_manager());
    }
  }
  return HostsOf(task_managers);
}

absl::StatusOr<std::vector<std::string>> HostCluster::HostsOf(
    const std::set<std::string>& task_managers) {
  WEIR_ASSIGN_OR_RETURN(const proto::ClusterDetails cluster, client_->DescribeCluster());
  std::vector<std::string> found;
  for (const std::string& host : hosts()) {
    for (const proto::TaskManagerDetails& one : cluster.task_managers()) {
      if (one.host() == HostNetwork::NameOf(host) && task_managers.count(one.task_manager()) > 0) {
        found.push_back(host);
      }
    }
  }
  return found;
}

absl::StatusOr<std::string> HostCluster::Submit(const std::string& program,
                                                const std::vector<std::string>& job_arguments,
                                                const std::map<std::string, std::string>& given) {
  ChildProcessOptions options;
  options.argv = {WeirProgram("weir"), absl::StrCat("--jobmanager.addresses=", Addresses())};
  for (const std::string& flag : SecurityFlags()) options.argv.push_back(flag);
  for (const char* word : {"submit", "-o", "name"}) options.argv.push_back(word);
  options.argv.push_back(WeirProgram(program));
  for (const auto& [name, value] : given) {
    options.argv.push_back(absl::StrCat("--", name, "=", value));
  }
  options.argv.push_back("--");
  options.argv.insert(options.argv.end(), job_arguments.begin(), job_arguments.end());
  WEIR_ASSIGN_OR_RETURN(const ProcessResult result,
                        ChildProcess::RunToEnd(std::move(options), kToolTimeout));
  if (result.exit_status != 0) return absl::InternalError(result.standard_error);
  const std::string name = result.standard_output.substr(0, result.standard_output.find('\n'));
  return name.substr(name.find('/') + 1);
}

std::string HostCluster::Log(const std::string& host) const {
  std::ifstream file(directory_.File(host + ".log"));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace weir

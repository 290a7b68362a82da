#include "tests/support/cluster/weir_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace weir {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);
constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr absl::Duration kStopTimeout = absl::Seconds(10);
constexpr absl::Duration kKillTimeout = absl::Seconds(10);
// Workers get SIGKILL from the kernel when their TaskManager ends; that is not quite at once.
constexpr absl::Duration kOrphanTimeout = absl::Seconds(3);
constexpr size_t kLogTailBytes = 2000;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The command line, blanks between the arguments; empty for processes that have ended.
std::string CommandLineOf(pid_t pid) {
  return absl::StrReplaceAll(ReadFile(absl::StrCat("/proc/", pid, "/cmdline")),
                             {{absl::string_view("\0", 1), " "}});
}

std::vector<std::string> Flags(const std::map<std::string, std::string>& options) {
  std::vector<std::string> flags;
  for (const auto& [name, value] : options) flags.push_back(absl::StrCat("--", name, "=", value));
  return flags;
}

void Append(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::string WeirProgram(const std::string& name) {
  const char* build = std::getenv("WEIR_BINARY_DIR");
  return absl::StrCat(build == nullptr ? "build/dev" : build, "/bin/", name);
}

int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  WEIR_CHECK(bind(probe, generic, size) == 0 && getsockname(probe, generic, &size) == 0)
      << "no free port";
  close(probe);
  return ntohs(address.sin_port);
}

bool AwaitTrue(const std::function<bool()>& condition, absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(kPollInterval);
  }
  return true;
}

std::string WeirCluster::JobManagerName(int number) { return absl::StrCat("jobmanager-", number); }
std::string WeirCluster::TaskManagerName(int number) {
  return absl::StrCat("taskmanager-", number);
}

WeirCluster::WeirCluster(WeirClusterOptions options) : options_(std::move(options)) {
  std::filesystem::create_directory(storage_root());
  for (int number = 1; number <= options_.job_managers; ++number) ports_.push_back(FreePort());
  for (int number = 1; number <= options_.job_managers; ++number) {
    Server& server = servers_[JobManagerName(number)];
    server.argv = ServerArguments(options_.job_manager_program);
    server.argv.push_back(absl::StrCat("--rpc.address=", address(number)));
    server.argv.push_back("--jobmanager.http-address=127.0.0.1:0");
  }
  for (int number = 1; number <= options_.task_managers; ++number) {
    Server& server = servers_[TaskManagerName(number)];
    server.argv = options_.task_manager_prefix;
    Append(server.argv, ServerArguments("weir-taskmanager"));
    Append(server.argv,
           Flags({{"jobmanager.addresses", addresses()},
                  {"taskmanager.http-address", "127.0.0.1:0"},
                  {"taskmanager.slots", absl::StrCat(options_.slots)},
                  {"taskmanager.work-dir", directory_.File(TaskManagerName(number))}}));
  }
}

WeirCluster::~WeirCluster() {
  for (const pid_t pid : Processes()) kill(pid, SIGKILL);
}

std::vector<std::string> WeirCluster::ServerArguments(const std::string& program) const {
  std::map<std::string, std::string> options = {{"cluster.id", "e2e"},
                                                {"storage.root", storage_root()}};
  for (const auto& [name, value] : options_.server_options) options[name] = value;
  std::vector<std::string> argv = {WeirProgram(program)};
  Append(argv, Flags(options));
  return argv;
}

absl::Status WeirCluster::MakeClient() {
  ClusterClientOptions options;
  for (int number = 1; number <= options_.job_managers; ++number) {
    options.addresses.push_back(address(number));
  }
  WEIR_ASSIGN_OR_RETURN(const Config config, Config::FromValues(options_.client_options));
  WEIR_ASSIGN_OR_RETURN(options.security, ReadSecurityOptions(config));
  WEIR_ASSIGN_OR_RETURN(client_, MakeClusterClient(std::move(options)));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WeirCluster>> WeirCluster::Start(WeirClusterOptions options) {
  std::unique_ptr<WeirCluster> cluster(new WeirCluster(std::move(options)));
  WEIR_RETURN_IF_ERROR(cluster->MakeClient());
  for (const auto& [name, server] : cluster->servers_) {
    WEIR_RETURN_IF_ERROR(cluster->StartServer(name));
  }
  WEIR_RETURN_IF_ERROR(cluster->AwaitComplete());
  return cluster;
}

absl::Status WeirCluster::StartServer(const std::string& name) {
  Server& server = servers_.at(name);
  ChildProcessOptions options;
  options.argv = server.argv;
  options.log_file = directory_.File(absl::StrCat(name, ".log"));
  server.process.reset();  // kills and reaps
  WEIR_ASSIGN_OR_RETURN(server.process, ChildProcess::Start(std::move(options)));
  return absl::OkStatus();
}

absl::Status WeirCluster::StartJobManager(int number) {
  return StartServer(JobManagerName(number));
}

absl::Status WeirCluster::StartTaskManager(int number) {
  return StartServer(TaskManagerName(number));
}

absl::Status WeirCluster::CheckRunning() {
  for (const auto& [name, server] : servers_) {
    if (server.process->IsRunning()) continue;
    return absl::UnavailableError(absl::StrCat(name, " has ended: ", LogTail(name)));
  }
  return absl::OkStatus();
}

absl::Status WeirCluster::AwaitComplete() {
  std::vector<uint64_t> expected;
  for (const auto& [name, server] : servers_) {
    if (absl::StartsWith(name, "taskmanager") && server.process->IsRunning()) {
      expected.push_back(static_cast<uint64_t>(server.process->pid()));
    }
  }
  std::sort(expected.begin(), expected.end());
  std::string seen = "nothing";
  const absl::Time end = absl::Now() + kStartTimeout;
  while (absl::Now() < end) {
    const absl::StatusOr<proto::ClusterDetails> details = client_->DescribeCluster();
    std::vector<uint64_t> registered;
    if (details.ok()) {
      for (const proto::TaskManagerDetails& one : details->task_managers()) {
        if (one.state() == "REGISTERED") registered.push_back(one.pid());
      }
    }
    std::sort(registered.begin(), registered.end());
    if (details.ok() &&
        std::includes(registered.begin(), registered.end(), expected.begin(), expected.end())) {
      return absl::OkStatus();
    }
    seen = details.ok() ? details->ShortDebugString() : details.status().ToString();
    absl::SleepFor(kPollInterval);
  }
  WEIR_RETURN_IF_ERROR(CheckRunning());
  return absl::UnavailableError(absl::StrCat("the cluster is not complete: ", seen));
}

absl::Status WeirCluster::KillServer(const std::string& name) {
  ChildProcess& process = *servers_.at(name).process;
  WEIR_RETURN_IF_ERROR(process.Kill(SIGKILL));
  return process.Wait(kKillTimeout).status();
}

absl::Status WeirCluster::KillJobManager(int number) { return KillServer(JobManagerName(number)); }

absl::Status WeirCluster::KillTaskManager(int number) {
  return KillServer(TaskManagerName(number));
}

absl::StatusOr<int> WeirCluster::Leader() {
  WEIR_ASSIGN_OR_RETURN(const proto::ClusterDetails details, client_->DescribeCluster());
  for (int number = 1; number <= options_.job_managers; ++number) {
    if (static_cast<uint64_t>(job_manager(number).pid()) == details.leader_pid()) return number;
  }
  return absl::NotFoundError(
      absl::StrCat("the leader's pid ", details.leader_pid(), " is none of this cluster's"));
}

absl::StatusOr<int> WeirCluster::TaskManagerOfPid(uint64_t pid) const {
  for (int number = 1; number <= options_.task_managers; ++number) {
    const Server& server = servers_.at(TaskManagerName(number));
    if (static_cast<uint64_t>(server.process->pid()) == pid) return number;
  }
  return absl::NotFoundError(absl::StrCat("no TaskManager of this cluster has the pid ", pid));
}

absl::StatusOr<ProcessResult> WeirCluster::Cli(std::vector<std::string> arguments,
                                               absl::Duration timeout) {
  ChildProcessOptions options;
  options.argv = {WeirProgram("weir"), absl::StrCat("--jobmanager.addresses=", addresses())};
  Append(options.argv, Flags(options_.client_options));
  Append(options.argv, std::move(arguments));
  return ChildProcess::RunToEnd(std::move(options), timeout);
}

absl::StatusOr<nlohmann::json> WeirCluster::CliJson(std::vector<std::string> arguments) {
  const auto job_arguments = std::find(arguments.begin(), arguments.end(), "--");
  arguments.insert(job_arguments, {"-o", "json"});
  WEIR_ASSIGN_OR_RETURN(const ProcessResult result, Cli(std::move(arguments)));
  if (result.exit_status != 0) {
    return absl::InternalError(
        absl::StrCat("exit code ", result.exit_status, ": ", result.standard_error));
  }
  nlohmann::json answer = nlohmann::json::parse(result.standard_output, nullptr, false);
  if (answer.is_discarded()) {
    return absl::InternalError(absl::StrCat("not JSON: ", result.standard_output));
  }
  return answer;
}

std::vector<std::string> WeirCluster::SubmitArguments(const WeirJob& job) {
  std::vector<std::string> arguments = {"submit", WeirProgram(job.program)};
  Append(arguments, Flags(job.options));
  arguments.push_back("--");
  Append(arguments, job.arguments);
  return arguments;
}

absl::StatusOr<std::string> WeirCluster::Submit(const WeirJob& job) {
  WEIR_ASSIGN_OR_RETURN(const nlohmann::json answer, CliJson(SubmitArguments(job)));
  return answer.value("job_id", "");
}

std::string WeirCluster::address(int job_manager) const {
  return absl::StrCat("127.0.0.1:", ports_.at(static_cast<size_t>(job_manager - 1)));
}

std::string WeirCluster::addresses() const {
  std::vector<std::string> all;
  for (int number = 1; number <= options_.job_managers; ++number) all.push_back(address(number));
  return absl::StrJoin(all, ",");
}

std::vector<pid_t> WeirCluster::Processes() const {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    // The slash behind it: no other cluster's directory begins with this one's.
    if (absl::StrContains(CommandLineOf(pid), absl::StrCat(directory_.path(), "/"))) {
      found.push_back(pid);
    }
  }
  return found;
}

absl::Status WeirCluster::StopServers(const std::string& prefix) {
  for (const auto& [name, server] : servers_) {
    if (!absl::StartsWith(name, prefix) || !server.process->IsRunning()) continue;
    server.process->Kill(SIGTERM).IgnoreError();
    server.process->Kill(SIGCONT).IgnoreError();
  }
  for (const auto& [name, server] : servers_) {
    if (!absl::StartsWith(name, prefix) || server.process->Wait(kStopTimeout).ok()) continue;
    return absl::DeadlineExceededError(
        absl::StrCat(name, " does not end at SIGTERM: ", LogTail(name)));
  }
  return absl::OkStatus();
}

absl::Status WeirCluster::Stop() {
  WEIR_RETURN_IF_ERROR(StopServers("taskmanager"));
  WEIR_RETURN_IF_ERROR(StopServers("jobmanager"));
  if (AwaitTrue([this] { return Processes().empty(); }, kOrphanTimeout)) return absl::OkStatus();
  std::string left;
  for (const pid_t pid : Processes()) absl::StrAppend(&left, "\n", pid, ": ", CommandLineOf(pid));
  return absl::DeadlineExceededError(absl::StrCat("processes outlive their cluster:", left));
}

std::string WeirCluster::LogTail(const std::string& server) const {
  const std::string log = Log(server);
  return log.substr(log.size() - std::min(log.size(), kLogTailBytes));
}

absl::StatusOr<std::string> WeirCluster::HttpAddress(const std::string& server) const {
  const std::string log = Log(server);
  const size_t field = log.rfind(" http=");
  if (field == std::string::npos) {
    return absl::UnavailableError(absl::StrCat(server, " has named no HTTP address"));
  }
  const size_t begin = field + absl::string_view(" http=").size();
  return log.substr(begin, log.find_first_of(" \n", begin) - begin);
}

std::string WeirCluster::Log(const std::string& server) const {
  return ReadFile(directory_.File(absl::StrCat(server, ".log")));
}

}  // namespace weir

#include "client/local_cluster/background_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kJobManager[] = "jobmanager";
constexpr int64_t kUsualPort = 6123;  // of rpc.address

// The port of 127.0.0.1 that is free now: `port`, or for 0 any; 0: none.
int64_t FreePort(int64_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return 0;
  const int on = 1;  // connections of a former server that linger do not count
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0;
  close(descriptor);
  return bound ? ntohs(address.sin_port) : 0;
}

absl::StatusOr<int64_t> ChoosePort(int64_t wanted) {
  for (const int64_t port : {wanted == 0 ? kUsualPort : wanted, int64_t{0}}) {
    const int64_t free = FreePort(port);
    if (free != 0) return free;
    if (wanted != 0) break;
  }
  return absl::FailedPreconditionError(
      wanted == 0 ? "no port of 127.0.0.1 is free"
                  : absl::StrCat("port ", wanted, " of 127.0.0.1 is not free"));
}

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = std::move(line);
  }
  return last;
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  return file ? absl::OkStatus() : absl::UnknownError(absl::StrCat("cannot write '", path, "'"));
}

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat("cannot make directory '", path, "': ", error.message()));
}

// The cluster is what its flags say, whatever the user has set for other clusters.
std::map<std::string, std::string> WithoutOptions(
    const std::map<std::string, std::string>& variables) {
  std::map<std::string, std::string> others;
  for (const auto& [name, value] : variables) {
    if (!absl::StartsWith(name, "WEIR_")) others.emplace(name, value);
  }
  return others;
}

}  // namespace

BackgroundCluster::~BackgroundCluster() {
  if (lock_ >= 0) close(lock_);
}

absl::Status BackgroundCluster::Lock() {
  WEIR_RETURN_IF_ERROR(MakeDirectory(directory_));
  lock_ = open(File("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return absl::UnknownError(absl::StrCat("cannot write '", File("lock"), "'"));
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("another command is starting or stopping the cluster in ", directory_));
}

std::vector<BackgroundServer> BackgroundCluster::Servers() const {
  std::vector<BackgroundServer> servers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    if (entry.path().extension() != ".pid") continue;
    BackgroundServer server;
    server.name = entry.path().stem().string();
    server.log_file = File(absl::StrCat(server.name, ".log"));
    std::ifstream file(entry.path());
    file >> server.process.pid >> server.process.start_ticks;
    server.running = IsRunning(server.process);
    servers.push_back(std::move(server));
  }
  std::sort(servers.begin(), servers.end(),
            [](const BackgroundServer& a, const BackgroundServer& b) {
              // taskmanager-2 before taskmanager-10
              return std::pair(a.name.size(), a.name) < std::pair(b.name.size(), b.name);
            });
  return servers;
}

std::string BackgroundCluster::Address() const {
  std::ifstream file(File("address"));
  std::string address;
  file >> address;
  return address;
}

absl::Status BackgroundCluster::StartServer(const std::string& name, const std::string& program,
                                            const std::vector<std::string>& flags,
                                            const BackgroundClusterOptions& options) {
  std::vector<std::string> argv = {options.program_directory + "/" + program, "--cluster.id=local",
                                   absl::StrCat("--storage.root=", File("storage"))};
  argv.insert(argv.end(), flags.begin(), flags.end());
  const std::string log_file = File(absl::StrCat(name, ".log"));
  WEIR_ASSIGN_OR_RETURN(const BackgroundProcess process,
                        StartInBackground(argv, WithoutOptions(options.variables), log_file));
  return WriteText(File(absl::StrCat(name, ".pid")),
                   absl::StrCat(process.pid, "\n", process.start_ticks, "\n"));
}

absl::Status BackgroundCluster::Start(const BackgroundClusterOptions& options) {
  for (const BackgroundServer& server : Servers()) {
    if (!server.running) continue;
    return absl::AlreadyExistsError(absl::StrCat("a local cluster runs already in ", directory_,
                                                 " (", server.name, ", pid ", server.process.pid,
                                                 "); weir local-cluster stop ends it"));
  }
  std::error_code error;
  for (const char* program : {"weir-jobmanager", "weir-taskmanager"}) {
    if (fs::exists(fs::path(options.program_directory) / program, error)) continue;
    return absl::NotFoundError(
        absl::StrCat("there is no ", program, " beside weir, in ", options.program_directory));
  }
  WEIR_RETURN_IF_ERROR(Stop(absl::ZeroDuration()).status());  // what is left of dead servers
  WEIR_RETURN_IF_ERROR(MakeDirectory(File("storage")));
  WEIR_ASSIGN_OR_RETURN(const int64_t port, ChoosePort(options.port));
  const std::string address = absl::StrCat("127.0.0.1:", port);
  WEIR_RETURN_IF_ERROR(WriteText(File("address"), address + "\n"));
  WEIR_RETURN_IF_ERROR(StartServer(kJobManager, "weir-jobmanager",
                                   {absl::StrCat("--rpc.address=", address)}, options));
  for (int64_t number = 1; number <= options.task_managers; ++number) {
    const std::string name = absl::StrCat("taskmanager-", number);
    WEIR_RETURN_IF_ERROR(StartServer(name, "weir-taskmanager",
                                     {absl::StrCat("--jobmanager.addresses=", address),
                                      absl::StrCat("--taskmanager.work-dir=", File(name)),
                                      absl::StrCat("--taskmanager.slots=", options.slots)},
                                     options));
  }
  return absl::OkStatus();
}

absl::Status BackgroundCluster::CheckServers() const {
  for (const BackgroundServer& server : Servers()) {
    if (server.running) continue;
    const std::string last = LastLine(server.log_file);
    return absl::AbortedError(absl::StrCat(server.name, " has ended (", server.log_file, ")",
                                           last.empty() ? "" : ": ", last));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> BackgroundCluster::Stop(absl::Duration grace) {
  std::vector<std::string> killed;
  for (const bool job_manager : {false, true}) {
    std::map<pid_t, std::string> names;
    std::vector<BackgroundProcess> processes;
    for (const BackgroundServer& server : Servers()) {
      if ((server.name == kJobManager) != job_manager) continue;
      names[server.process.pid] = server.name;
      processes.push_back(server.process);
    }
    for (const BackgroundProcess& process : EndProcesses(processes, grace)) {
      killed.push_back(names[process.pid]);
    }
    for (const auto& [pid, name] : names) {
      const std::string pid_file = File(absl::StrCat(name, ".pid"));
      std::error_code error;
      if (fs::remove(pid_file, error)) continue;
      return absl::UnknownError(absl::StrCat("cannot remove '", pid_file, "'"));
    }
  }
  std::error_code ignored;
  fs::remove(File("address"), ignored);
  return killed;
}

}  // namespace weir

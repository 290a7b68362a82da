#include "tests/hosts/host_network.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "tests/support/process/child_process.h"

namespace weir {
namespace {

constexpr absl::Duration kToolTimeout = absl::Seconds(20);
constexpr char kNamesFile[] = "/etc/hosts";
constexpr char kResolverFile[] = "/etc/resolv.conf";
constexpr char kNamespaces[] = "/run/netns";

absl::Status Run(std::vector<std::string> argv) {
  const std::string command = absl::StrJoin(argv, " ");
  ChildProcessOptions options;
  options.argv = std::move(argv);
  WEIR_ASSIGN_OR_RETURN(const ProcessResult result,
                        ChildProcess::RunToEnd(std::move(options), kToolTimeout));
  if (result.exit_status == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(command, ": ", result.standard_error));
}

absl::Status Ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  return Run(std::move(arguments));
}

absl::Status Failed(absl::string_view what) {
  return absl::PermissionDeniedError(absl::StrCat(what, ": ", strerror(errno)));
}

std::string LinkOf(const std::string& host) { return absl::StrCat("to-", host); }
std::string NamespaceOf(const std::string& host) { return absl::StrCat(kNamespaces, "/", host); }

ino_t InodeOf(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

absl::Status HostNetwork::Isolate() {
  if (geteuid() != 0) return absl::PermissionDeniedError("network namespaces need root");
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return Failed("unshare");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("mount /");
  std::error_code ignored;
  std::filesystem::create_directories(kNamespaces, ignored);
  if (mount("weir-hosts", kNamespaces, "tmpfs", 0, nullptr) != 0) return Failed(kNamespaces);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<HostNetwork>> HostNetwork::Create() {
  std::unique_ptr<HostNetwork> network(new HostNetwork);
  WEIR_RETURN_IF_ERROR(Ip({"link", "set", "lo", "up"}));
  std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;
  // Names are in a file that is written in place; nobody else is to be asked for any.
  WEIR_RETURN_IF_ERROR(network->WriteNames());
  const std::string resolver = network->directory_.File("resolv.conf");
  std::ofstream(resolver) << "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
  const std::string names = network->directory_.File("hosts");
  if (mount(names.c_str(), kNamesFile, nullptr, MS_BIND, nullptr) != 0) return Failed(kNamesFile);
  if (mount(resolver.c_str(), kResolverFile, nullptr, MS_BIND, nullptr) != 0) {
    return Failed(kResolverFile);
  }
  return network;
}

absl::Status HostNetwork::AddHost(const std::string& host) {
  Host& added = hosts_[host];
  added.number = static_cast<int>(hosts_.size());
  WEIR_RETURN_IF_ERROR(Ip({"netns", "add", host}));
  added.name_space = InodeOf(NamespaceOf(host));
  WEIR_RETURN_IF_ERROR(Ip({"-n", host, "link", "set", "lo", "up"}));
  WEIR_RETURN_IF_ERROR(
      Ip({"link", "add", LinkOf(host), "type", "veth", "peer", "name", "eth0", "netns", host}));
  WEIR_RETURN_IF_ERROR(
      Ip({"addr", "add", absl::StrCat("10.77.", added.number, ".1/24"), "dev", LinkOf(host)}));
  WEIR_RETURN_IF_ERROR(Ip({"link", "set", LinkOf(host), "up"}));
  return GiveAddress(host);
}

absl::Status HostNetwork::GiveAddress(const std::string& host) {
  Host& one = hosts_.at(host);
  one.address = absl::StrCat("10.77.", one.number, ".", 10 + one.moves);
  const std::string gateway = absl::StrCat("10.77.", one.number, ".1");
  WEIR_RETURN_IF_ERROR(Ip({"-n", host, "addr", "flush", "dev", "eth0"}));
  WEIR_RETURN_IF_ERROR(Ip({"-n", host, "addr", "add", one.address + "/24", "dev", "eth0"}));
  WEIR_RETURN_IF_ERROR(Ip({"-n", host, "link", "set", "eth0", "up"}));
  WEIR_RETURN_IF_ERROR(Ip({"-n", host, "route", "replace", "default", "via", gateway}));
  return WriteNames();
}

absl::Status HostNetwork::Readdress(const std::string& host) {
  ++hosts_.at(host).moves;
  return GiveAddress(host);
}

absl::Status HostNetwork::WriteNames() const {
  // Java asks for the machine's own name when it starts.
  utsname machine = {};
  uname(&machine);
  std::string names = absl::StrCat("127.0.0.1 localhost ", machine.nodename, "\n");
  for (const auto& [name, host] : hosts_) {
    absl::StrAppend(&names, host.address, " ", NameOf(name), "\n");
  }
  std::ofstream file(directory_.File("hosts"), std::ios::trunc);
  if (!(file << names) || !file.flush()) return absl::InternalError("the names are not written");
  return absl::OkStatus();
}

std::vector<std::string> HostNetwork::Inside(const std::string& host) const {
  return {"nsenter", absl::StrCat("--net=", NamespaceOf(host)), "--"};
}

absl::StatusOr<std::vector<pid_t>> HostNetwork::Processes(const std::string& host) const {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    if (InodeOf(entry.path() / "ns/net") == hosts_.at(host).name_space) found.push_back(pid);
  }
  if (error) return absl::InternalError(absl::StrCat("/proc: ", error.message()));
  return found;
}

absl::Status HostNetwork::Unplug(const std::string& host) {
  WEIR_RETURN_IF_ERROR(AddRules(host, "*", &unplugged_[host]));
  return AddRules("*", host, &unplugged_[host]);
}

absl::Status HostNetwork::Plug(const std::string& host) { return RemoveRules(&unplugged_[host]); }

absl::Status HostNetwork::Cut(const std::string& from, const std::string& to) {
  return AddRules(from, to, &cuts_);
}

absl::Status HostNetwork::Mend() { return RemoveRules(&cuts_); }

// They drop what is forwarded, and say nothing. By links and subnets: a host that comes back under
// another address is meant, too.
absl::Status HostNetwork::AddRules(const std::string& from, const std::string& to, Rules* rules) {
  for (const auto& [sender, sending] : hosts_) {
    for (const auto& [receiver, receiving] : hosts_) {
      const bool meant = (from == "*" || from == sender) && (to == "*" || to == receiver);
      if (!meant || sender == receiver) continue;
      std::vector<std::string> rule = {"iif", LinkOf(sender), "to",
                                       absl::StrCat("10.77.", receiving.number, ".0/24"),
                                       "blackhole"};
      std::vector<std::string> command = {"rule", "add"};
      command.insert(command.end(), rule.begin(), rule.end());
      WEIR_RETURN_IF_ERROR(Ip(std::move(command)));
      rules->push_back(std::move(rule));
    }
  }
  return absl::OkStatus();
}

absl::Status HostNetwork::RemoveRules(Rules* rules) {
  while (!rules->empty()) {
    std::vector<std::string> command = {"rule", "del"};
    command.insert(command.end(), rules->back().begin(), rules->back().end());
    WEIR_RETURN_IF_ERROR(Ip(std::move(command)));
    rules->pop_back();
  }
  return absl::OkStatus();
}

}  // namespace weir

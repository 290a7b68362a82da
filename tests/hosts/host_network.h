#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "tests/support/temporary_directory.h"

namespace weir {

/// Hosts on one machine: a network namespace each, joined by this process, which has a namespace of
/// its own too and forwards packets between them. Every host has a link of its own, an address, and
/// a name that all know: "tm-1" is "tm-1.weir.test". Links are cut in silence, as cables are: no
/// packet, no error.
///
/// Life cycle: Isolate first thing in main(); Create; hosts are added. All of it is private to this
/// process and its children (mounts, too): however it dies, the kernel takes everything away.
/// Threads: one. Errors: INTERNAL with what `ip` says; PERMISSION_DENIED from Isolate.
class HostNetwork {
 public:
  /// Puts this process, which has one thread yet, into namespaces of its own for network and
  /// mounts. PERMISSION_DENIED when it is not root, or may not.
  static absl::Status Isolate();

  static absl::StatusOr<std::unique_ptr<HostNetwork>> Create();

  /// A host under its first address.
  absl::Status AddHost(const std::string& host);
  /// The host gets an address that it never had, and the name follows at once.
  absl::Status Readdress(const std::string& host);

  static std::string NameOf(const std::string& host) { return host + ".weir.test"; }
  const std::string& AddressOf(const std::string& host) const { return hosts_.at(host).address; }
  /// What is put before a command to run it on the host.
  std::vector<std::string> Inside(const std::string& host) const;
  /// Those that run on the host.
  absl::StatusOr<std::vector<pid_t>> Processes(const std::string& host) const;

  /// The host's link, in both directions: it and the other hosts do not reach each other.
  absl::Status Unplug(const std::string& host);
  absl::Status Plug(const std::string& host);
  /// What `from` sends to `to` is lost from now on; the other direction goes on. "*" for `from` or
  /// `to` is all other hosts.
  absl::Status Cut(const std::string& from, const std::string& to);
  /// Takes back all cuts.
  absl::Status Mend();

 private:
  struct Host {
    int number = 0;
    int moves = 0;
    std::string address;
    ino_t name_space = 0;
  };

  using Rules = std::vector<std::vector<std::string>>;  // as `ip rule` takes them

  HostNetwork() = default;
  absl::Status GiveAddress(const std::string& host);
  absl::Status AddRules(const std::string& from, const std::string& to, Rules* rules);
  static absl::Status RemoveRules(Rules* rules);
  absl::Status WriteNames() const;

  TemporaryDirectory directory_;
  std::map<std::string, Host> hosts_;
  std::map<std::string, Rules> unplugged_;
  Rules cuts_;
};

}  // namespace weir

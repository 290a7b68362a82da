#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/cluster_client.h"
#include "tests/hosts/host_network.h"
#include "tests/support/process/child_process.h"
#include "tests/support/temporary_directory.h"

namespace weir {

/// A Weir cluster over hosts: "jm-1", "jm-2" with a JobManager each, "tm-1" to "tm-3" with a
/// TaskManager of two slots each, joined by TLS and a token under the hosts' names, on one shared
/// storage.root.
///
/// Threads: one. Errors: UNAVAILABLE when what is waited for does not come, with what is there.
class HostCluster {
 public:
  static constexpr int kJobManagers = 2;
  static constexpr int kTaskManagers = 3;
  /// Of heartbeats in both directions; what silence is told by.
  static constexpr absl::Duration kSilence = absl::Seconds(2);

  /// Adds the hosts to the network and starts everything.
  static absl::StatusOr<std::unique_ptr<HostCluster>> Start(HostNetwork& network);
  ~HostCluster();

  /// The host vanishes from the network, then everything on it is killed: nobody is told.
  absl::Status Lose(const std::string& host);
  /// Its disk is gone, too: nothing that was written there is left.
  absl::Status LoseWithDisk(const std::string& host);
  /// The host is back under another address, with the same name and whatever disk is left.
  absl::Status BringBack(const std::string& host);
  /// SIGTERM to its server, whose exit code is returned.
  absl::StatusOr<int> Terminate(const std::string& host, absl::Duration timeout);

  /// Waits until a leader has all TaskManagers.
  absl::Status AwaitComplete(absl::Duration timeout = absl::Seconds(30));
  /// The host of the JobManager that leads.
  absl::StatusOr<std::string> Leader();
  /// The hosts that run a worker of the job.
  absl::StatusOr<std::vector<std::string>> HostsOf(const std::string& job);
  /// Those of them where a partition is read and numbers are taken in from the exchange.
  absl::StatusOr<std::vector<std::string>> BusyHostsOf(const std::string& job);

  absl::StatusOr<std::string> Submit(const std::string& program,
                                     const std::vector<std::string>& job_arguments,
                                     const std::map<std::string, std::string>& options);
  ClusterClient& client() { return *client_; }
  HostNetwork& network() { return network_; }

  std::string Log(const std::string& host) const;
  std::vector<std::string> hosts() const;
  const std::string& folder() const { return directory_.path(); }
  void KeepFiles() { directory_.Keep(); }

 private:
  explicit HostCluster(HostNetwork& network) : network_(network) {}
  absl::Status MakeSecrets();
  absl::Status StartServer(const std::string& host);
  std::string Addresses() const;
  absl::StatusOr<std::vector<std::string>> HostsOf(const std::set<std::string>& task_managers);
  std::vector<std::string> SecurityFlags() const;

  HostNetwork& network_;
  TemporaryDirectory directory_;
  std::map<std::string, std::unique_ptr<ChildProcess>> servers_;
  std::unique_ptr<ClusterClient> client_;
};

}  // namespace weir

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "client/cli/local_cluster_flags.h"
#include "client/cli/verb.h"
#include "client/local_cluster/background_cluster.h"
#include "client/local_cluster/local_cluster_output.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::Status ShowLocalCluster(const ParsedFlags& flags, CliEnvironment& environment) {
  WEIR_ASSIGN_OR_RETURN(std::string directory, LocalClusterDirectory(flags, environment));
  const BackgroundCluster cluster(std::move(directory));
  LocalClusterStatus status{cluster.directory(), cluster.Address(), cluster.Servers()};
  if (status.servers.empty()) {
    return absl::NotFoundError(absl::StrCat("no local cluster runs in ", cluster.directory()));
  }
  environment.out << Rendered(status, StyleOf(flags, environment));
  return cluster.CheckServers();
}

}  // namespace

Verb LocalClusterStatusVerb() {
  Verb verb;
  verb.name = "local-cluster status";
  verb.summary = "Show what runs of the local cluster; fails when none or only a part does.";
  verb.flags = {LocalClusterDirectoryFlag()};
  verb.run_alone = ShowLocalCluster;
  return verb;
}

}  // namespace weir::cli

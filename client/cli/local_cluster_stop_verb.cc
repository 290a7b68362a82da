#include <string>
#include <utility>
#include <vector>

#include "client/cli/local_cluster_flags.h"
#include "client/cli/verb.h"
#include "client/local_cluster/background_cluster.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::Status StopLocalCluster(const ParsedFlags& flags, CliEnvironment& environment) {
  WEIR_ASSIGN_OR_RETURN(std::string directory, LocalClusterDirectory(flags, environment));
  BackgroundCluster cluster(std::move(directory));
  if (cluster.Servers().empty()) {
    environment.out << "no local cluster runs in " << cluster.directory() << "\n";
    return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(cluster.Lock());
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> killed, cluster.Stop(kLocalClusterGrace));
  for (const std::string& name : killed) {
    environment.error << "note: " << name << " did not end within "
                      << absl::FormatDuration(kLocalClusterGrace) << " and was killed\n";
  }
  environment.out << "the local cluster in " << cluster.directory() << " is stopped\n";
  return absl::OkStatus();
}

}  // namespace

Verb LocalClusterStopVerb() {
  Verb verb;
  verb.name = "local-cluster stop";
  verb.summary = "End the local cluster; its jobs go on when it is started again.";
  verb.flags = {LocalClusterDirectoryFlag()};
  verb.prints_objects = false;
  verb.run_alone = StopLocalCluster;
  return verb;
}

}  // namespace weir::cli

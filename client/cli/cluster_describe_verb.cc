#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ClusterDescribeVerb() {
  Verb verb;
  verb.name = "cluster describe";
  verb.summary = "Show the leading JobManager and the TaskManagers.";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::ClusterDetails cluster, context.client.DescribeCluster());
    context.Print(cluster);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

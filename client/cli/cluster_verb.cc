#include "client/cli/output.h"
#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ClusterVerb() {
  Verb verb;
  verb.name = "cluster";
  verb.summary = "Show the leading JobManager and the TaskManagers.";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::ClusterDetails cluster, context.client.DescribeCluster());
    context.out << (context.json ? ClusterAsJson(cluster) : ClusterAsTable(cluster));
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

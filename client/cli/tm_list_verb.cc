#include <utility>

#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb TaskManagerListVerb() {
  Verb verb;
  verb.name = "tm list";
  verb.summary = "List the TaskManagers and their slots.";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(proto::ClusterDetails cluster, context.client.DescribeCluster());
    context.Print(TaskManagerList{std::move(cluster)});
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

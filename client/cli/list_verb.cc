#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ListVerb() {
  Verb verb;
  verb.name = "list";
  verb.summary = "List the jobs of the cluster, ended ones too.";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::ListJobsResponse jobs, context.client.ListJobs());
    context.Print(jobs);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

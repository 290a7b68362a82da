#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb DescribeVerb() {
  Verb verb;
  verb.name = "describe";
  verb.summary = "Show a job's state, workers, tasks and checkpoint counts.";
  verb.positionals = "JOB";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::JobDetails job, context.client.DescribeJob(context.Job()));
    context.Print(job);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

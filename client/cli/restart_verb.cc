#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb RestartVerb() {
  Verb verb;
  verb.name = "restart";
  verb.summary = "Start a job anew from its newest checkpoint, in new worker processes.";
  verb.positionals = "JOB";
  verb.flags = WaitFlags("Return when the job runs again, has ended or is suspended.", false);
  verb.check = CheckWaitFlags;
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::JobDetails before,
                          context.client.DescribeJob(context.Job()));
    proto::RestartJobRequest request;
    request.set_job(before.summary().job());
    request.set_generation(before.summary().generation());  // asked twice, it is one restart
    WEIR_RETURN_IF_ERROR(context.client.RestartJob(request));
    return PrintState(context, request.job(),
                      {"RUNNING", "SUSPENDED", "FINISHED", "CANCELED", "FAILED"});
  };
  return verb;
}

}  // namespace weir::cli

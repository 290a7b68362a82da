#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb StopVerb() {
  Verb verb;
  verb.name = "stop";
  verb.summary = "End a job's input now and let it finish with a last checkpoint.";
  verb.positionals = "JOB";
  verb.flags = WaitFlags("Return when the job has ended.", false);
  verb.check = CheckWaitFlags;
  verb.run = [](VerbContext& context) -> absl::Status {
    proto::StopJobRequest request;
    request.set_job(context.Job());
    WEIR_RETURN_IF_ERROR(context.client.StopJob(request));
    return FinishStopping(context, request.job());
  };
  return verb;
}

}  // namespace weir::cli

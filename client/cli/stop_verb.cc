#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb StopVerb() {
  Verb verb;
  verb.name = "stop";
  verb.summary = "End a job's input now and let it finish with a last checkpoint.";
  verb.positionals = "JOB";
  verb.flags = {{"wait", "w", false, "", "Return when the job has ended."}};
  verb.run = [](VerbContext& context) -> absl::Status {
    proto::StopJobRequest request;
    request.set_job(context.flags.positionals[0]);
    WEIR_RETURN_IF_ERROR(context.client.StopJob(request));
    return FinishStopping(context, request.job());
  };
  return verb;
}

}  // namespace weir::cli

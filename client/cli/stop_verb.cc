#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb StopVerb() {
  Verb verb;
  verb.name = "stop";
  verb.summary = "End a job's input now and let it finish with a last checkpoint.";
  verb.positionals = "JOB";
  verb.flags = {{"drain", "", false, "", "Send the end of event time through the job first."},
                {"wait", "w", false, "", "Return when the job has ended."}};
  verb.run = [](VerbContext& context) -> absl::Status {
    proto::StopJobRequest request;
    request.set_job(context.flags.positionals[0]);
    request.set_drain(context.flags.Has("drain"));
    WEIR_RETURN_IF_ERROR(context.client.StopJob(request));
    return FinishStopping(context, request.job());
  };
  return verb;
}

}  // namespace weir::cli

#include "absl/strings/str_cat.h"

#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::Status RunSuspend(VerbContext& context) {
  proto::SuspendJobRequest request;
  request.set_job(context.Job());
  request.set_wait(IsWaiting(context.flags, true));
  const absl::Status suspended = context.client.SuspendJob(request);
  if (!suspended.ok() && !absl::IsDeadlineExceeded(suspended)) return suspended;
  WEIR_ASSIGN_OR_RETURN(const proto::JobDetails details, context.client.DescribeJob(request.job()));
  const proto::JobSummary& job = details.summary();
  if (!suspended.ok() && job.state() != "SUSPENDED") {
    return absl::DeadlineExceededError(
        absl::StrCat("job '", job.name(), "' (", job.job(), ") is ", job.state(), " after ",
                     absl::FormatDuration(context.wait.timeout), job.reason().empty() ? "" : ": ",
                     job.reason(), "; the cluster goes on with it"));
  }
  context.Print(job);
  return absl::OkStatus();
}

}  // namespace

Verb SuspendVerb() {
  Verb verb;
  verb.name = "suspend";
  verb.summary = "Take a checkpoint of a job, then halt it; resume lets it go on.";
  verb.positionals = "JOB";
  verb.flags = WaitFlags("Return when the job is suspended, or its checkpoints have failed.", true);
  verb.default_timeout = absl::Minutes(2);
  verb.check = CheckWaitFlags;
  verb.run = RunSuspend;
  return verb;
}

}  // namespace weir::cli

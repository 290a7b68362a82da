#include "client/cli/output.h"
#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

absl::Status PrintState(VerbContext& context, const std::string& job,
                        const std::set<std::string>& awaited) {
  proto::JobDetails details;
  if (context.flags.Has("wait")) {
    WEIR_ASSIGN_OR_RETURN(details, WaitForState(context.client, job, awaited, context.wait));
  } else {
    WEIR_ASSIGN_OR_RETURN(details, context.client.DescribeJob(job));
  }
  context.out << (context.json ? JobStateAsJson(details.summary())
                               : JobStateAsText(details.summary()));
  return absl::OkStatus();
}

absl::Status FinishStopping(VerbContext& context, const std::string& job) {
  return PrintState(context, job, {"FINISHED", "CANCELED", "FAILED"});
}

Verb CancelVerb() {
  Verb verb;
  verb.name = "cancel";
  verb.summary = "End a job at once, without a last checkpoint.";
  verb.positionals = "JOB";
  verb.flags = {
      {"wait", "w", false, "", "Return when the job has ended."},
      {"abandon-transactions", "", false, "",
       "End a job whose transactions could not be settled; its reason names what is owned "
       "and perhaps not committed."}};
  verb.run = [](VerbContext& context) -> absl::Status {
    const std::string& job = context.flags.positionals[0];
    WEIR_RETURN_IF_ERROR(context.flags.Has("abandon-transactions")
                             ? context.client.AbandonTransactions(job)
                             : context.client.CancelJob(job));
    return FinishStopping(context, job);
  };
  return verb;
}

}  // namespace weir::cli

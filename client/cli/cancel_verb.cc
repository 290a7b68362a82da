#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb CancelVerb() {
  Verb verb;
  verb.name = "cancel";
  verb.summary = "End a job at once, without a last checkpoint.";
  verb.positionals = "JOB";
  verb.flags = WaitFlags("Return when the job has ended.", false);
  verb.flags.push_back(
      {"abandon-transactions", "", false, "",
       "End a job whose transactions could not be settled; its reason names what is "
       "owned and perhaps not committed."});
  verb.check = CheckWaitFlags;
  verb.run = [](VerbContext& context) -> absl::Status {
    const std::string job = context.Job();
    WEIR_RETURN_IF_ERROR(context.flags.Has("abandon-transactions")
                             ? context.client.AbandonTransactions(job)
                             : context.client.CancelJob(job));
    return FinishStopping(context, job);
  };
  return verb;
}

}  // namespace weir::cli

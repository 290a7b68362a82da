#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb CheckpointListVerb() {
  Verb verb;
  verb.name = "checkpoint list";
  verb.summary = "List a job's checkpoints, newest first.";
  verb.positionals = "JOB";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::ListCheckpointsResponse checkpoints,
                          context.client.ListCheckpoints(context.Job()));
    context.Print(checkpoints);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

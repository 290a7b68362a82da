#include "client/cli/output.h"
#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb CheckpointsVerb() {
  Verb verb;
  verb.name = "checkpoints";
  verb.summary = "List a job's checkpoints, newest first.";
  verb.positionals = "JOB";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::ListCheckpointsResponse checkpoints,
                          context.client.ListCheckpoints(context.flags.positionals[0]));
    context.out << (context.json ? CheckpointsAsJson(checkpoints)
                                 : CheckpointsAsTable(checkpoints));
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

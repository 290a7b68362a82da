#include "client/cli/verb.h"

namespace weir::cli {

std::vector<Verb> AllVerbs() {
  return {NewVerb(),
          SubmitVerb(),
          PlanVerb(),
          ListVerb(),
          DescribeVerb(),
          WatchVerb(),
          LogsVerb(),
          StopVerb(),
          CancelVerb(),
          SuspendVerb(),
          ResumeVerb(),
          RestartVerb(),
          CheckpointListVerb(),
          CheckpointDescribeVerb(),
          TransactionsListVerb(),
          TransactionsExplainVerb(),
          TransactionsAbortVerb(),
          DeadLettersListVerb(),
          DeadLettersShowVerb(),
          DeadLettersReplayVerb(),
          TaskManagerListVerb(),
          ClusterDescribeVerb(),
          ConfigListContextsVerb(),
          ConfigCurrentContextVerb(),
          ConfigUseContextVerb(),
          ConfigSetContextVerb(),
          ConfigDeleteContextVerb(),
          ConfigViewVerb(),
          LocalClusterStartVerb(),
          LocalClusterStopVerb(),
          LocalClusterStatusVerb(),
          CompletionVerb()};
}

}  // namespace weir::cli

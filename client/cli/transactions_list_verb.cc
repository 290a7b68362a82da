#include "client/cli/transactions_request.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb TransactionsListVerb() {
  Verb verb = TransactionsVerb();
  verb.name = "transactions list";
  verb.summary = "List the transactions of a job's sinks, also of an ended job.";
  verb.positionals = "JOB";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::TransactionsResponse response,
                          AskForTransactions(context, proto::TransactionsRequest::LIST));
    context.Print(response);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

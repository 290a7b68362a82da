#include "client/cli/transactions_request.h"

namespace weir::cli {

Verb TransactionsExplainVerb() {
  Verb verb = TransactionsVerb();
  verb.name = "transactions explain";
  verb.summary = "Say in sentences whose a transactional id is and what follows.";
  verb.positionals = "JOB ID";
  verb.run = [](VerbContext& context) {
    return PrintTransactionAnswer(context, proto::TransactionsRequest::EXPLAIN);
  };
  return verb;
}

}  // namespace weir::cli

#include "client/cli/transactions_request.h"

namespace weir::cli {

Verb TransactionsAbortVerb() {
  Verb verb = TransactionsVerb();
  verb.name = "transactions abort";
  verb.summary = "End a stray transaction and fence its holder; what anybody needs is refused.";
  verb.positionals = "JOB ID";
  verb.run = [](VerbContext& context) {
    return PrintTransactionAnswer(context, proto::TransactionsRequest::ABORT);
  };
  return verb;
}

}  // namespace weir::cli

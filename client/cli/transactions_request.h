#pragma once

#include "absl/status/statusor.h"

#include "client/cli/verb.h"

namespace weir::cli {

/// What the verbs of `weir transactions` have in common: --sink, --prefix, and a time-out that
/// leaves a TaskManager time to start the job's binary.
Verb TransactionsVerb();

/// Asks about the job and, where one is given, the transactional id.
absl::StatusOr<proto::TransactionsResponse> AskForTransactions(
    VerbContext& context, proto::TransactionsRequest::Verb verb);

/// As above for a verb whose answer is sentences about one id, which are printed.
absl::Status PrintTransactionAnswer(VerbContext& context, proto::TransactionsRequest::Verb verb);

}  // namespace weir::cli

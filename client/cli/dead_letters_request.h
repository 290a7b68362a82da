#pragma once

#include "absl/status/statusor.h"

#include "client/cli/verb.h"

namespace weir::cli {

/// What the verbs of `weir dlq` have in common: a time-out that leaves a TaskManager time to start
/// the job's binary.
Verb DeadLettersVerb();

/// --operator and --limit, of the verbs that have them.
std::vector<FlagSpec> DeadLettersFlags(const std::string& limit_help);

/// Asks about the job, with the flags above.
absl::StatusOr<proto::DeadLettersRequest> MakeDeadLettersRequest(
    VerbContext& context, proto::DeadLettersRequest::Verb verb);

}  // namespace weir::cli

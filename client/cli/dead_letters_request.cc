#include "client/cli/dead_letters_request.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir::cli {

Verb DeadLettersVerb() {
  Verb verb;
  verb.positionals = "JOB";
  verb.default_timeout = absl::Minutes(2);
  return verb;
}

std::vector<FlagSpec> DeadLettersFlags(const std::string& limit_help) {
  return {{"operator", "", true, "<uid>", "Of this operator; needed where several have some."},
          {"limit", "", true, "<n>", limit_help}};
}

absl::StatusOr<proto::DeadLettersRequest> MakeDeadLettersRequest(
    VerbContext& context, proto::DeadLettersRequest::Verb verb) {
  proto::DeadLettersRequest request;
  request.set_verb(verb);
  request.set_job(context.Job());
  request.set_operator_uid(context.flags.Get("operator"));
  uint64_t limit = 0;
  if (context.flags.Has("limit") &&
      (!absl::SimpleAtoi(context.flags.Get("limit"), &limit) || limit == 0)) {
    return absl::InvalidArgumentError(absl::StrCat("--limit is '", context.flags.Get("limit"),
                                                   "'; it must be a number from 1 on"));
  }
  request.set_limit(limit);
  return request;
}

}  // namespace weir::cli

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/cli/output.h"
#include "client/cli/verb.h"
#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

using proto::TransactionsRequest;

const std::map<std::string, TransactionsRequest::Verb>& Actions() {
  static const std::map<std::string, TransactionsRequest::Verb> actions = {
      {"list", TransactionsRequest::LIST},
      {"explain", TransactionsRequest::EXPLAIN},
      {"abort", TransactionsRequest::ABORT}};
  return actions;
}

absl::Status Check(const ParsedFlags& flags) {
  const std::string& action = flags.positionals[0];
  if (Actions().count(action) == 0) {
    std::vector<std::string> names;
    for (const auto& [name, verb] : Actions()) names.push_back(name);
    return absl::InvalidArgumentError(
        absl::StrCat("unknown action '", action, "' of transactions; list, explain and abort exist",
                     DidYouMean(action, names)));
  }
  if (action == "list" && flags.positionals.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument '", flags.positionals[2], "'"));
  }
  if (action != "list" && flags.positionals.size() < 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("transactions ", action, " needs the transactional id behind the job"));
  }
  for (const char* flag : {"sink", "prefix"}) {
    if (flags.Has(flag) && flags.Get(flag).empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", flag, " is empty"));
    }
  }
  return absl::OkStatus();
}

absl::Status Run(VerbContext& context) {
  TransactionsRequest request;
  request.set_verb(Actions().at(context.flags.positionals[0]));
  request.set_job(context.flags.positionals[1]);
  if (context.flags.positionals.size() > 2) {
    request.set_transactional_id(context.flags.positionals[2]);
  }
  request.set_sink_uid(context.flags.Get("sink"));
  request.set_prefix(context.flags.Get("prefix"));
  WEIR_ASSIGN_OR_RETURN(const proto::TransactionsResponse response,
                        context.client.Transactions(request));
  if (context.json) {
    context.out << TransactionsAsJson(response);
  } else if (request.verb() == TransactionsRequest::LIST) {
    context.out << TransactionsAsTable(response);
  } else {
    context.out << SentencesAsText(response);
  }
  return absl::OkStatus();
}

}  // namespace

Verb TransactionsVerb() {
  Verb verb;
  verb.name = "transactions";
  verb.summary = "List, explain or abort the transactions of a job's sinks, also of an ended job.";
  verb.positionals = "list|explain|abort JOB [ID]";
  verb.flags = {{"sink", "", true, "<uid>", "One sink instead of all."},
                {"prefix", "", true, "<prefix>",
                 "Transactional ids of this prefix, e.g. of a job that was renamed."}};
  verb.default_timeout = absl::Minutes(2);
  verb.check = Check;
  verb.run = Run;
  return verb;
}

}  // namespace weir::cli

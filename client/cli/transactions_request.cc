#include "client/cli/transactions_request.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

constexpr char kNamePrefix[] = "transaction/";  // of -o name

absl::Status Check(const ParsedFlags& flags) {
  for (const char* flag : {"sink", "prefix"}) {
    if (flags.Has(flag) && flags.Get(flag).empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--", flag, " is empty"));
    }
  }
  return absl::OkStatus();
}

std::string IdOf(const ParsedFlags& flags) {
  if (flags.positionals.size() < 2) return "";
  const std::string& id = flags.positionals[1];
  return absl::StartsWith(id, kNamePrefix) ? id.substr(sizeof(kNamePrefix) - 1) : id;
}

}  // namespace

Verb TransactionsVerb() {
  Verb verb;
  verb.flags = {{"sink", "", true, "<uid>", "One sink instead of all."},
                {"prefix", "", true, "<prefix>",
                 "Transactional ids of this prefix, e.g. of a job that was renamed."}};
  verb.default_timeout = absl::Minutes(2);
  verb.check = Check;
  return verb;
}

absl::StatusOr<proto::TransactionsResponse> AskForTransactions(
    VerbContext& context, proto::TransactionsRequest::Verb verb) {
  proto::TransactionsRequest request;
  request.set_verb(verb);
  request.set_job(context.Job());
  request.set_transactional_id(IdOf(context.flags));
  request.set_sink_uid(context.flags.Get("sink"));
  request.set_prefix(context.flags.Get("prefix"));
  return context.client.Transactions(request);
}

absl::Status PrintTransactionAnswer(VerbContext& context, proto::TransactionsRequest::Verb verb) {
  WEIR_ASSIGN_OR_RETURN(proto::TransactionsResponse response, AskForTransactions(context, verb));
  context.Print(TransactionAnswer{IdOf(context.flags), std::move(response)});
  return absl::OkStatus();
}

}  // namespace weir::cli

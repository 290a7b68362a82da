#include "client/cli/dead_letters_request.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb DeadLettersShowVerb() {
  Verb verb = DeadLettersVerb();
  verb.name = "dlq show";
  verb.summary = "Show the dead letters of an operator that are not replayed yet.";
  verb.flags = DeadLettersFlags("So many at most. Default: 20.");
  verb.flags.push_back({"all", "", false, "", "Those that have been replayed, too."});
  verb.flags.push_back({"contents", "", false, "", "Their keys and values, too."});
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(proto::DeadLettersRequest request,
                          MakeDeadLettersRequest(context, proto::DeadLettersRequest::SHOW));
    request.set_all(context.flags.Has("all"));
    request.set_contents(context.flags.Has("contents"));
    WEIR_ASSIGN_OR_RETURN(proto::DeadLettersResponse response, context.client.DeadLetters(request));
    context.Print(DeadLetterList{std::move(response), request.contents()});
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

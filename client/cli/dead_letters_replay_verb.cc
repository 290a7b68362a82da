#include "client/cli/dead_letters_request.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb DeadLettersReplayVerb() {
  Verb verb = DeadLettersVerb();
  verb.name = "dlq replay";
  verb.summary = "Write an operator's dead letters back where they were read, each once.";
  verb.flags = DeadLettersFlags("So many at most. Default: all that are there.");
  verb.flags.push_back({"to", "", true, "<topic>",
                        "Write them to this topic; needed where the operator is no source."});
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(proto::DeadLettersRequest request,
                          MakeDeadLettersRequest(context, proto::DeadLettersRequest::REPLAY));
    request.set_target(context.flags.Get("to"));
    WEIR_ASSIGN_OR_RETURN(proto::DeadLettersResponse response, context.client.DeadLetters(request));
    context.Print(DeadLetterReplayAnswer{std::move(response)});
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

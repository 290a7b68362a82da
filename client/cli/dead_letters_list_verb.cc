#include "client/cli/dead_letters_request.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb DeadLettersListVerb() {
  Verb verb = DeadLettersVerb();
  verb.name = "dlq list";
  verb.summary = "List a job's dead-letter topics, and how far they are replayed.";
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const proto::DeadLettersRequest request,
                          MakeDeadLettersRequest(context, proto::DeadLettersRequest::LIST));
    WEIR_ASSIGN_OR_RETURN(proto::DeadLettersResponse response, context.client.DeadLetters(request));
    context.Print(DeadLetterTopics{std::move(response)});
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

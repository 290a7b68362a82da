#include <utility>

#include "client/cli/verb.h"
#include "client/contexts/context_list.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ConfigListContextsVerb() {
  Verb verb;
  verb.name = "config list-contexts";
  verb.summary = "List the contexts, which are clusters that have a name here.";
  verb.run_alone = [](const ParsedFlags& flags, CliEnvironment& environment) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(ContextFile file, ReadContextFileOf(environment.variables));
    environment.out << Rendered(ContextList{std::move(file)}, StyleOf(flags, environment));
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

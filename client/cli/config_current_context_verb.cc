#include "absl/strings/str_cat.h"

#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ConfigCurrentContextVerb() {
  Verb verb;
  verb.name = "config current-context";
  verb.summary = "Print the name of the context that is used when nothing else is said.";
  verb.prints_objects = false;
  verb.run_alone = [](const ParsedFlags&, CliEnvironment& environment) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const ContextFile file, ReadContextFileOf(environment.variables));
    if (file.current.empty()) {
      return absl::NotFoundError(absl::StrCat("no context is current in ", file.path,
                                              " (weir config use-context CONTEXT selects one)"));
    }
    environment.out << file.current << "\n";
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

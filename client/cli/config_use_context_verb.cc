#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ConfigUseContextVerb() {
  Verb verb;
  verb.name = "config use-context";
  verb.summary = "Make a context the current one.";
  verb.positionals = "CONTEXT";
  verb.prints_objects = false;
  verb.run_alone = [](const ParsedFlags& flags, CliEnvironment& environment) -> absl::Status {
    const std::string& name = flags.positionals[0];
    WEIR_ASSIGN_OR_RETURN(ContextFile file, ReadContextFileOf(environment.variables));
    WEIR_RETURN_IF_ERROR(FindContext(file, name).status());
    file.current = name;
    WEIR_RETURN_IF_ERROR(WriteContextFile(file));
    environment.out << "context '" << name << "' is the current one\n";
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ConfigDeleteContextVerb() {
  Verb verb;
  verb.name = "config delete-context";
  verb.summary = "Forget a context; nothing happens to its cluster.";
  verb.positionals = "CONTEXT";
  verb.prints_objects = false;
  verb.run_alone = [](const ParsedFlags& flags, CliEnvironment& environment) -> absl::Status {
    const std::string& name = flags.positionals[0];
    WEIR_ASSIGN_OR_RETURN(ContextFile file, ReadContextFileOf(environment.variables));
    WEIR_RETURN_IF_ERROR(FindContext(file, name).status());
    file.contexts.erase(name);
    const bool was_current = file.current == name;
    if (was_current) file.current.clear();
    WEIR_RETURN_IF_ERROR(WriteContextFile(file));
    environment.out << "context '" << name << "' is deleted"
                    << (was_current ? "; it was the current one" : "") << "\n";
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

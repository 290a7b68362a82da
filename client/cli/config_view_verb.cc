#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "client/contexts/context_list.h"
#include "common/base/status_macros.h"

namespace weir::cli {

Verb ConfigViewVerb() {
  Verb verb;
  verb.name = "config view";
  verb.summary = "Print the file of contexts; as YAML unless --output says json.";
  verb.run_alone = [](const ParsedFlags& flags, CliEnvironment& environment) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const ContextFile file, ReadContextFileOf(environment.variables));
    switch (StyleOf(flags, environment).format) {
      case OutputFormat::kJson:
        environment.out << ContextFileAsJson(file);
        break;
      case OutputFormat::kName:
        environment.out << AsNames(ContextList{file});
        break;
      case OutputFormat::kTable:  // a file is no table
      case OutputFormat::kWide:
      case OutputFormat::kYaml:
        environment.out << ContextFileAsYaml(file);
        break;
    }
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

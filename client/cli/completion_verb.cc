#include <string>

#include "absl/strings/str_cat.h"

#include "client/cli/verb.h"
#include "client/templates/completion_scripts.h"

namespace weir::cli {
namespace {

const TemplateFile* ScriptOf(const std::string& shell) {
  const std::string path = absl::StrCat("weir.", shell);
  for (const TemplateFile& script : CompletionScripts()) {
    if (path == script.path) return &script;
  }
  return nullptr;
}

}  // namespace

Verb CompletionVerb() {
  Verb verb;
  verb.name = "completion";
  verb.summary = "Print a shell's script for completing verbs, flags and names of jobs.";
  verb.positionals = "bash|zsh|fish";
  verb.prints_objects = false;
  verb.check = [](const ParsedFlags& flags) -> absl::Status {
    const std::string& shell = flags.positionals[0];
    if (ScriptOf(shell) != nullptr) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("no completion for '", shell, "'; bash, zsh and fish are known"));
  };
  verb.run_alone = [](const ParsedFlags& flags, CliEnvironment& environment) {
    environment.out << ScriptOf(flags.positionals[0])->text;
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli

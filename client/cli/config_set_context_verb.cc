#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "client/cli/command_line.h"
#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "common/base/status_macros.h"
#include "common/config/options.h"

namespace weir::cli {
namespace {

absl::Status Check(const ParsedFlags& flags) {
  WEIR_RETURN_IF_ERROR(CheckContextName(flags.positionals[0]));
  for (const OptionSpec& option : ContextOptions()) {
    const std::string key(option.key);
    if (flags.Has(key)) WEIR_RETURN_IF_ERROR(CheckContextOption(key, flags.Get(key)));
  }
  return absl::OkStatus();
}

// A file is meant from where the user stands now, not from where the context will be used.
std::string Kept(const std::string& key, const std::string& value) {
  if (!absl::EndsWith(key, "-file")) return value;
  std::error_code ignored;
  return std::filesystem::absolute(value, ignored).lexically_normal().string();
}

absl::Status SetContext(const ParsedFlags& flags, CliEnvironment& environment) {
  const std::string& name = flags.positionals[0];
  WEIR_ASSIGN_OR_RETURN(ContextFile file, ReadContextFileOf(environment.variables));
  const bool is_new = file.contexts.count(name) == 0;
  Context& context = file.contexts[name];
  for (const OptionSpec& option : ContextOptions()) {
    const std::string key(option.key);
    if (!flags.Has(key)) continue;
    if (flags.Get(key).empty()) {
      context.erase(key);
    } else {
      context[key] = Kept(key, flags.Get(key));
    }
  }
  const std::string addresses(options::kJobmanagerAddresses.key());
  if (context.count(addresses) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("context '", name, "' needs --", addresses));
  }
  WEIR_RETURN_IF_ERROR(WriteContextFile(file));
  environment.out << "context '" << name << "' is " << (is_new ? "made" : "changed") << "\n";
  return absl::OkStatus();
}

}  // namespace

Verb ConfigSetContextVerb() {
  Verb verb;
  verb.name = "config set-context";
  verb.summary = "Make a context, or change what is given of it; an empty value removes an option.";
  verb.positionals = "CONTEXT";
  for (const OptionSpec& option : ContextOptions()) verb.flags.push_back(FlagOf(option));
  verb.prints_objects = false;
  verb.check = Check;
  verb.run_alone = SetContext;
  return verb;
}

}  // namespace weir::cli

#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir::cli {

/// One flag of the command line. A flag whose name is an option of Weir (common/config/options.h)
/// also has that option's environment variable and default.
struct FlagSpec {
  std::string name;        // without dashes: "output", "jobmanager.addresses"
  std::string short_name;  // one letter, or empty
  bool takes_value = true;
  std::string value_name;  // for --help: "DURATION"
  std::string help;
};

/// A command line after parsing.
struct ParsedFlags {
  std::map<std::string, std::string> values;  // by name; "true" for a flag without a value
  std::vector<std::string> positionals;
  std::vector<std::string> job_arguments;  // after "--"

  bool Has(const std::string& name) const { return values.count(name) > 0; }
  std::string Get(const std::string& name, const std::string& otherwise = "") const {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : found->second;
  }
};

/// --name=value, --name value, -o value, -ovalue, --name. INVALID_ARGUMENT, one sentence: an
/// unknown flag with the nearest names, a missing or superfluous value, or a flag given twice.
absl::StatusOr<ParsedFlags> ParseFlags(const std::vector<FlagSpec>& specs,
                                       const std::vector<std::string>& arguments);

/// The lines of --help for these flags.
std::string FlagsHelp(const std::vector<FlagSpec>& specs);

}  // namespace weir::cli

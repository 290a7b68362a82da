#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace weir {

/// What a job's binary was started with: `<verb> [--key=value ...] [-- job's arguments]`.
struct JobCommandLine {
  std::string verb;
  std::vector<std::string> options;        // between the verb and "--", as given
  std::vector<std::string> job_arguments;  // behind "--"

  static JobCommandLine Parse(int argc, char** argv);
  /// `help`, or --help or -h as the verb or among the options.
  bool AsksForHelp() const;
  /// The options as --key=value; INVALID_ARGUMENT naming one that is not in `known`.
  absl::StatusOr<std::map<std::string, std::string>> OptionValues(
      const std::vector<std::string>& known) const;
};

}  // namespace weir

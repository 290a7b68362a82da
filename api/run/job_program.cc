#include "api/run/job_program.h"

#include <exception>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {

JobProgram::JobProgram(std::string name, Build build)
    : name_(std::move(name)), build_(std::move(build)) {}

absl::StatusOr<StreamGraph> JobProgram::MakeGraph(const std::vector<std::string>& arguments) const {
  Environment environment(name_);
  const Args args(arguments);
  try {
    build_(environment, args);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the build function of job '", name_, "' threw: ", error.what()));
  }
  if (const std::optional<std::string> error = args.Error()) {
    return absl::InvalidArgumentError(*error);
  }
  return environment.Graph();
}

}  // namespace weir

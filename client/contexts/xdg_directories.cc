#include "client/contexts/xdg_directories.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

absl::StatusOr<std::string> DirectoryOf(const std::map<std::string, std::string>& variables,
                                        const std::string& variable, const std::string& in_home) {
  const auto set = variables.find(variable);
  // "If an implementation encounters a relative path, it should consider it invalid and ignore it."
  if (set != variables.end() && absl::StartsWith(set->second, "/")) {
    return absl::StrCat(set->second, "/weir");
  }
  const auto home = variables.find("HOME");
  if (home != variables.end() && !home->second.empty()) {
    return absl::StrCat(home->second, "/", in_home, "/weir");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("neither HOME nor ", variable, " names a directory"));
}

}  // namespace

absl::StatusOr<std::string> ConfigDirectory(const std::map<std::string, std::string>& variables) {
  return DirectoryOf(variables, "XDG_CONFIG_HOME", ".config");
}

absl::StatusOr<std::string> StateDirectory(const std::map<std::string, std::string>& variables) {
  return DirectoryOf(variables, "XDG_STATE_HOME", ".local/state");
}

}  // namespace weir

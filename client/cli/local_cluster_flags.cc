#include "client/cli/local_cluster_flags.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

#include "client/contexts/xdg_directories.h"
#include "common/base/status_macros.h"

namespace weir::cli {

FlagSpec LocalClusterDirectoryFlag() {
  return {"dir", "", true, "<directory>",
          "State, logs and pid files; $XDG_STATE_HOME/weir/local-cluster by default."};
}

absl::StatusOr<std::string> LocalClusterDirectory(const ParsedFlags& flags,
                                                  const CliEnvironment& environment) {
  if (!flags.Has("dir")) {
    WEIR_ASSIGN_OR_RETURN(const std::string directory, StateDirectory(environment.variables));
    return absl::StrCat(directory, "/local-cluster");
  }
  if (flags.Get("dir").empty()) return absl::InvalidArgumentError("--dir is empty");
  std::error_code ignored;
  return std::filesystem::absolute(flags.Get("dir"), ignored).lexically_normal().string();
}

}  // namespace weir::cli

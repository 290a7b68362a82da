#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weir::internal {

/// The cluster's directory: made for it and removed with it, unless it was given.
class ClusterDirectory {
 public:
  ClusterDirectory() = default;
  ~ClusterDirectory() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  ClusterDirectory(const ClusterDirectory&) = delete;
  ClusterDirectory& operator=(const ClusterDirectory&) = delete;

  absl::Status Open(const std::string& given) {
    std::error_code error;
    if (given.empty()) {
      path_ = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
      temporary_ = mkdtemp(path_.data()) != nullptr;
      if (!temporary_) error = std::error_code(errno, std::generic_category());
    } else {
      path_ = std::filesystem::absolute(given).string();
    }
    if (!error) std::filesystem::create_directories(File("storage"), error);
    if (!error) return absl::OkStatus();
    return absl::UnknownError(
        absl::StrCat("directory '", path_, "' cannot be made: ", error.message()));
  }

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  bool temporary_ = false;
};

}  // namespace weir::internal

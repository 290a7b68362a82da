#pragma once

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/net/security_options.h"

namespace weir {

/// A Secret as the kubelet mounts it in `directory`: tls.crt, tls.key and ca.crt are links into
/// `..data`, which is itself a link to a directory, and is exchanged as a whole by one rename.
class MountedSecret {
 public:
  explicit MountedSecret(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
      std::filesystem::create_symlink(absl::StrCat("..data/", name), File(name));
    }
  }

  /// Copies of the three files take the place of those before.
  void Publish(const SecurityOptions& files) {
    const std::string before = version_ == 0 ? "" : Version();
    ++version_;
    std::filesystem::create_directory(File(Version()));
    const std::string made = File(Version());
    std::filesystem::copy_file(files.certificate_file, made + "/tls.crt");
    std::filesystem::copy_file(files.key_file, made + "/tls.key");
    std::filesystem::copy_file(files.ca_file, made + "/ca.crt");
    std::filesystem::create_symlink(Version(), File("..data_tmp"));
    std::filesystem::rename(File("..data_tmp"), File("..data"));
    if (!before.empty()) std::filesystem::remove_all(File(before));
  }

  SecurityOptions files() const {
    SecurityOptions files;
    files.certificate_file = File("tls.crt");
    files.key_file = File("tls.key");
    files.ca_file = File("ca.crt");
    return files;
  }

 private:
  std::string File(const std::string& name) const { return absl::StrCat(directory_, "/", name); }
  std::string Version() const { return absl::StrCat("..version_", version_); }

  const std::string directory_;
  int version_ = 0;
};

}  // namespace weir

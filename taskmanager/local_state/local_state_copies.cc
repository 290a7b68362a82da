#include "taskmanager/local_state/local_state_copies.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "common/base/stable_hash.h"
#include "taskmanager/local_state/state_folders.h"

namespace weir::taskmanager {
namespace {

namespace fs = std::filesystem;

std::string FileNameOf(const std::string& name) {
  return absl::StrCat(absl::Hex(StableHash64(name), absl::kZeroPad16));
}

bool TakeFrom(const std::string& copy, uint64_t size_bytes, const std::string& sha256,
              const std::string& path) {
  std::error_code error;
  if (fs::file_size(copy, error) != size_bytes || error) return false;
  if (link(copy.c_str(), path.c_str()) != 0) return false;
  // The link, which nobody takes away meanwhile.
  const auto digest = Sha256HexOfFile(path);
  if (digest.ok() && *digest == sha256) return true;
  fs::remove(path, error);
  return false;
}

}  // namespace

LocalStateCopies::LocalStateCopies(std::string state_folder)
    : state_folder_(std::move(state_folder)) {}

void LocalStateCopies::Keep(const std::string& name, const std::string& path) const {
  if (state_folder_.empty()) return;
  const std::string folder = CopiesFolderOf(state_folder_);
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  (void)link(path.c_str(), absl::StrCat(folder, "/", FileNameOf(name)).c_str());
}

void LocalStateCopies::Drop(const std::vector<std::string>& names) const {
  if (state_folder_.empty()) return;
  for (const std::string& name : names) {
    unlink(absl::StrCat(CopiesFolderOf(state_folder_), "/", FileNameOf(name)).c_str());
  }
}

void LocalStateCopies::KeepOnly(const std::set<std::string>& names) const {
  if (state_folder_.empty()) return;
  std::set<std::string> kept;
  for (const std::string& name : names) kept.insert(FileNameOf(name));
  std::error_code error;
  const fs::path folder = CopiesFolderOf(state_folder_);
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (kept.count(it->path().filename().string()) == 0) unlink(it->path().c_str());
  }
}

bool LocalStateCopies::Take(const std::string& name, uint64_t size_bytes, const std::string& sha256,
                            const std::string& path) const {
  if (state_folder_.empty()) return false;
  std::error_code error;
  const fs::path job = fs::path(state_folder_).parent_path();
  for (fs::directory_iterator it(job, error), end; !error && it != end; it.increment(error)) {
    const std::string copy =
        absl::StrCat(CopiesFolderOf(it->path().string()), "/", FileNameOf(name));
    if (TakeFrom(copy, size_bytes, sha256, path)) return true;
  }
  return false;
}

}  // namespace weir::taskmanager

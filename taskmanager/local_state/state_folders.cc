#include "taskmanager/local_state/state_folders.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {
namespace {

namespace fs = std::filesystem;

constexpr char kCopies[] = "copies";

std::vector<fs::path> FoldersIn(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    folders.push_back(it->path());
  }
  return folders;
}

void Remove(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

absl::Time TimeOf(const fs::path& path, absl::Time unknown) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return unknown;
  return absl::TimeFromTimespec(status.st_mtim);
}

// What is not `copies`, and those, too, when their worker has ended long ago: `ended`, an empty
// folder, is as old as the first call that found it so.
void CleanFolderOfEnded(const fs::path& folder, absl::Duration age, absl::Time now) {
  const fs::path ended = folder / "ended";
  for (const fs::path& entry : FoldersIn(folder)) {
    if (entry.filename() != kCopies && entry != ended) Remove(entry);
  }
  std::error_code error;
  if (fs::is_empty(folder / kCopies, error) || error) return Remove(folder);
  if (!fs::exists(ended, error)) {
    fs::create_directory(ended, error);
  } else if (now - TimeOf(ended, now) >= age) {
    Remove(folder);
  }
}

}  // namespace

std::string StateFolderOf(const std::string& root, absl::string_view job,
                          absl::string_view worker) {
  return absl::StrCat(root, "/", job, "/", worker);
}

std::string CopiesFolderOf(const std::string& state_folder) {
  return absl::StrCat(state_folder, "/", kCopies);
}

std::set<std::string> WorkersWithStateFolders(const std::string& root) {
  std::set<std::string> workers;
  for (const fs::path& job : FoldersIn(root)) {
    for (const fs::path& worker : FoldersIn(job)) workers.insert(worker.filename().string());
  }
  return workers;
}

void CleanStateFolders(const std::string& root, const std::set<std::string>& ended,
                       absl::Duration age, absl::Time now) {
  for (const fs::path& job : FoldersIn(root)) {
    for (const fs::path& worker : FoldersIn(job)) {
      if (ended.count(worker.filename().string()) > 0) CleanFolderOfEnded(worker, age, now);
    }
    std::error_code ignored;
    fs::remove(job, ignored);  // when it is empty
  }
}

}  // namespace weir::taskmanager

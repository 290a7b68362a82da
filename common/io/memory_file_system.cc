#include "common/io/memory_file_system.h"

#include <cerrno>

#include "absl/strings/match.h"

#include "common/base/status_macros.h"
#include "common/io/posix_file_system.h"

namespace weir {
namespace {

// Without doubled or trailing slashes.
std::string Normalized(absl::string_view path) {
  std::string normalized;
  for (const char c : path) {
    if (c != '/' || normalized.empty() || normalized.back() != '/') normalized.push_back(c);
  }
  if (normalized.size() > 1 && normalized.back() == '/') normalized.pop_back();
  return normalized;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool MemoryFileSystem::IsDirectory(const std::string& path) const {
  return path == "/" || path == "." || directories_.count(path) > 0;
}

absl::Status MemoryFileSystem::CheckParent(absl::string_view action,
                                           const std::string& path) const {
  for (std::string parent = ParentOf(path); !IsDirectory(parent); parent = ParentOf(parent)) {
    if (files_.count(parent) > 0) return PosixError(action, path, ENOTDIR);
    if (IsDirectory(ParentOf(parent))) return PosixError(action, path, ENOENT);
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::CreateExclusive(absl::string_view path, absl::string_view contents) {
  const std::string target = Normalized(path);
  MutexLock lock(mutex_);
  WEIR_RETURN_IF_ERROR(CheckParent("create", target));
  if (IsDirectory(target) || !files_.emplace(target, contents).second) {
    return PosixError("create", target, EEXIST);
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Replace(absl::string_view path, absl::string_view contents) {
  const std::string target = Normalized(path);
  MutexLock lock(mutex_);
  WEIR_RETURN_IF_ERROR(CheckParent("create", target));
  if (IsDirectory(target)) return PosixError("replace", target, EISDIR);
  files_[target] = std::string(contents);
  return absl::OkStatus();
}

absl::StatusOr<std::string> MemoryFileSystem::Read(absl::string_view path) {
  const std::string source = Normalized(path);
  MutexLock lock(mutex_);
  const auto file = files_.find(source);
  if (file != files_.end()) return file->second;
  if (IsDirectory(source)) return PosixError("read", source, EISDIR);
  WEIR_RETURN_IF_ERROR(CheckParent("open", source));
  return PosixError("open", source, ENOENT);
}

absl::Status MemoryFileSystem::Remove(absl::string_view path) {
  const std::string target = Normalized(path);
  MutexLock lock(mutex_);
  if (IsDirectory(target)) return PosixError("remove", target, EISDIR);
  if (files_.erase(target) > 0) return absl::OkStatus();
  const absl::Status parent = CheckParent("remove", target);
  return absl::IsNotFound(parent) ? absl::OkStatus() : parent;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(absl::string_view directory) {
  const std::string path = Normalized(directory);
  MutexLock lock(mutex_);
  if (files_.count(path) > 0) return PosixError("list", path, ENOTDIR);
  if (!IsDirectory(path)) {
    WEIR_RETURN_IF_ERROR(CheckParent("list", path));
    return PosixError("list", path, ENOENT);
  }
  // Relative names have no common prefix to seek to.
  const std::string prefix = path == "." ? "" : path == "/" ? "/" : path + "/";
  std::set<std::string> names;
  const auto add_child = [&](const std::string& child) {
    if (ParentOf(child) == path) names.insert(child.substr(prefix.size()));
  };
  for (auto file = files_.lower_bound(prefix);
       file != files_.end() && absl::StartsWith(file->first, prefix); ++file) {
    add_child(file->first);
  }
  for (auto child = directories_.lower_bound(prefix);
       child != directories_.end() && absl::StartsWith(*child, prefix); ++child) {
    add_child(*child);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status MemoryFileSystem::MakeDirectory(absl::string_view directory) {
  const std::string path = Normalized(directory);
  MutexLock lock(mutex_);
  std::set<std::string> missing;
  for (std::string at = path; !IsDirectory(at); at = ParentOf(at)) {
    if (files_.count(at) > 0) return PosixError("make directory", path, ENOTDIR);
    missing.insert(at);
  }
  directories_.insert(missing.begin(), missing.end());
  return absl::OkStatus();
}

std::vector<std::string> MemoryFileSystem::Paths() const {
  MutexLock lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, contents] : files_) paths.push_back(path);
  return paths;
}

bool MemoryFileSystem::Exists(absl::string_view path) const {
  MutexLock lock(mutex_);
  return files_.count(Normalized(path)) > 0;
}

size_t MemoryFileSystem::TotalBytes() const {
  MutexLock lock(mutex_);
  size_t total = 0;
  for (const auto& [path, contents] : files_) total += contents.size();
  return total;
}

}  // namespace weir

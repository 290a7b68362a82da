#include "common/io/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr absl::string_view kTemporaryPrefix = ".tmp-";

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  // close(2) may report a failed write; its number is gone either way.
  int Close() { return close(std::exchange(number_, -1)); }

 private:
  int number_;
};

// Repeats a system call that a signal interrupted.
template <class Call>
auto Uninterrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

int OpenFile(const std::string& path, int flags) {
  return Uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, 0644); });
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
      return absl::StatusCode::kFailedPrecondition;
    case ENAMETOOLONG:
    case EINVAL:
    case ELOOP:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status SyncDirectory(const std::string& directory) {
  const FileDescriptor file(OpenFile(directory, O_RDONLY | O_DIRECTORY));
  if (!file.is_open()) return PosixError("open directory", directory, errno);
  if (Uninterrupted([&] { return fsync(file.number()); }) == 0) return absl::OkStatus();
  // Some file systems cannot sync a directory and say so with these (PostgreSQL's fsync_fname_ext
  // ignores the same two).
  if (errno == EINVAL || errno == EBADF) return absl::OkStatus();
  return PosixError("sync directory", directory, errno);
}

absl::Status WriteAndSync(FileDescriptor* file, const std::string& path,
                          absl::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written =
        Uninterrupted([&] { return write(file->number(), contents.data(), contents.size()); });
    if (written < 0) return PosixError("write", path, errno);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (Uninterrupted([&] { return fdatasync(file->number()); }) != 0) {
    return PosixError("sync", path, errno);
  }
  if (file->Close() != 0) return PosixError("close", path, errno);
  return absl::OkStatus();
}

bool HasTwoLinks(const std::string& path) {
  struct stat attributes = {};
  return stat(path.c_str(), &attributes) == 0 && attributes.st_nlink == 2;
}

}  // namespace

absl::Status PosixError(absl::string_view action, absl::string_view path, int error_number) {
  return absl::Status(CodeOf(error_number),
                      absl::StrCat("cannot ", action, " '", path,
                                   "': ", std::generic_category().message(error_number)));
}

absl::StatusOr<std::string> PosixFileSystem::WriteTemporary(const std::string& path,
                                                            absl::string_view contents) {
  const std::string temporary =
      absl::StrCat(DirectoryOf(path), "/", kTemporaryPrefix, getpid(), "-", random_.HexId());
  FileDescriptor file(OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL));
  if (!file.is_open()) return PosixError("create", path, errno);
  absl::Status status = WriteAndSync(&file, path, contents);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return temporary;
}

absl::Status PosixFileSystem::CreateExclusive(absl::string_view path, absl::string_view contents) {
  const std::string target(path);
  // link(2) below decides; this only spares the write when the answer is known.
  if (access(target.c_str(), F_OK) == 0) return PosixError("create", target, EEXIST);
  WEIR_ASSIGN_OR_RETURN(const std::string temporary, WriteTemporary(target, contents));
  absl::Status status;
  if (link(temporary.c_str(), target.c_str()) != 0) {
    const int error_number = errno;
    // On NFS a repeated request may report EEXIST though the first one made the link; the count
    // of links tells (open(2), notes on O_EXCL).
    if (!HasTwoLinks(temporary)) status = PosixError("create", target, error_number);
  }
  unlink(temporary.c_str());
  WEIR_RETURN_IF_ERROR(status);
  return SyncDirectory(DirectoryOf(target));
}

absl::Status PosixFileSystem::Replace(absl::string_view path, absl::string_view contents) {
  const std::string target(path);
  WEIR_ASSIGN_OR_RETURN(const std::string temporary, WriteTemporary(target, contents));
  if (rename(temporary.c_str(), target.c_str()) != 0) {
    absl::Status status = PosixError("replace", target, errno);
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(DirectoryOf(target));
}

absl::StatusOr<std::string> PosixFileSystem::Read(absl::string_view path) {
  const std::string source(path);
  const FileDescriptor file(OpenFile(source, O_RDONLY));
  if (!file.is_open()) return PosixError("open", source, errno);
  struct stat attributes = {};
  if (fstat(file.number(), &attributes) != 0) return PosixError("read", source, errno);
  // One byte more than the size, so that the usual file ends with the first short read.
  std::string contents(static_cast<size_t>(attributes.st_size) + 1, '\0');
  size_t size = 0;
  while (true) {
    if (size == contents.size()) contents.resize(2 * size);
    const ssize_t received = Uninterrupted(
        [&] { return read(file.number(), contents.data() + size, contents.size() - size); });
    if (received < 0) return PosixError("read", source, errno);
    if (received == 0) break;
    size += static_cast<size_t>(received);
  }
  contents.resize(size);
  return contents;
}

absl::Status PosixFileSystem::Remove(absl::string_view path) {
  const std::string target(path);
  if (unlink(target.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return PosixError("remove", target, errno);
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::List(absl::string_view directory) {
  const std::string path(directory);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(path.c_str()), &closedir);
  if (stream == nullptr) return PosixError("list", path, errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name == "." || name == ".." || absl::StartsWith(name, kTemporaryPrefix)) continue;
    names.emplace_back(name);
  }
  if (errno != 0) return PosixError("list", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

void PosixFileSystem::RemoveLeftovers(absl::string_view directory, absl::Time before) {
  const std::string path(directory);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(path.c_str()), &closedir);
  if (stream == nullptr) return;
  struct stat folder = {};
  if (fstat(dirfd(stream.get()), &folder) != 0) return;
  const auto old = [before](const struct stat& entry) {
    return absl::TimeFromTimespec(entry.st_mtim) < before;
  };
  while (const dirent* entry = readdir(stream.get())) {
    struct stat file = {};
    if (!absl::StartsWith(entry->d_name, kTemporaryPrefix) ||
        fstatat(dirfd(stream.get()), entry->d_name, &file, 0) != 0) {
      continue;
    }
    if (old(file)) unlinkat(dirfd(stream.get()), entry->d_name, 0);
  }
  if (old(folder)) rmdir(path.c_str());
}

absl::Status PosixFileSystem::MakeDirectory(absl::string_view directory) {
  std::string path(directory);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (mkdir(path.c_str(), 0755) != 0) {
    if (errno == ENOENT && DirectoryOf(path) != path) {
      WEIR_RETURN_IF_ERROR(MakeDirectory(DirectoryOf(path)));
      if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        return PosixError("make directory", path, errno);
      }
    } else if (errno == EEXIST) {
      struct stat attributes = {};
      if (stat(path.c_str(), &attributes) != 0) return PosixError("make directory", path, errno);
      if (!S_ISDIR(attributes.st_mode)) return PosixError("make directory", path, ENOTDIR);
      return absl::OkStatus();
    } else {
      return PosixError("make directory", path, errno);
    }
  }
  return SyncDirectory(DirectoryOf(path));
}

}  // namespace weir

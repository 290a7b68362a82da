#include "state/tiered/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

absl::Status FileError(const std::string& path, absl::string_view call, int error) {
  const std::string text = absl::StrCat(path, ": ", call, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

/// A file to be read; its number is negative, with errno, when it cannot be.
class OpenedFile {
 public:
  explicit OpenedFile(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenedFile() {
    if (number_ >= 0) ::close(number_);
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

}  // namespace

LocalPath::~LocalPath() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

absl::StatusOr<std::unique_ptr<LocalFileWriter>> LocalFileWriter::Open(std::string path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return FileError(path, "open", errno);
  return std::unique_ptr<LocalFileWriter>(new LocalFileWriter(std::move(path), file));
}

LocalFileWriter::~LocalFileWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(path_.c_str());
}

absl::Status LocalFileWriter::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(path_, "write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status LocalFileWriter::Finish() {
  if (::fdatasync(file_) != 0) return FileError(path_, "fdatasync", errno);
  const int file = file_;
  file_ = -1;
  return ::close(file) == 0 ? absl::OkStatus() : FileError(path_, "close", errno);
}

absl::StatusOr<std::string> ReadLocalFile(const std::string& path) {
  const OpenedFile file(path);
  if (file.number() < 0 && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  if (file.number() < 0) return FileError(path, "open", errno);
  struct stat about = {};
  if (::fstat(file.number(), &about) != 0) return FileError(path, "fstat", errno);
  const auto size = static_cast<size_t>(about.st_size);
  // One more: that it ends there is seen, too.
  std::string bytes(size + 1, '\0');
  size_t read = 0;
  while (read < bytes.size()) {
    const ssize_t got = ::read(file.number(), &bytes[read], bytes.size() - read);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(path, "read", errno);
    if (got == 0) break;
    read += static_cast<size_t>(got);
  }
  if (read < size) {
    return absl::UnavailableError(
        absl::StrCat(path, ": it ends after ", read, " of ", size, " bytes"));
  }
  if (read > size) return absl::UnavailableError(absl::StrCat(path, ": it grows while it is read"));
  bytes.resize(size);
  return bytes;
}

absl::Status MakeLocalFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? FileError(path, "mkdir", error.value()) : absl::OkStatus();
}

absl::Status LinkOrCopy(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::create_hard_link(from, to, error);
  return error ? CopyLocalFile(from, to) : absl::OkStatus();
}

absl::Status CopyLocalFile(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy_file(from, to, error);
  return error ? FileError(from, absl::StrCat("copy to ", to), error.value()) : absl::OkStatus();
}

}  // namespace weir

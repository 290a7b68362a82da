#include "state/tiered/local_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

absl::Status FileError(const std::string& path, absl::string_view call, int error) {
  const std::string text = absl::StrCat(path, ": ", call, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

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
  std::ifstream file(path, std::ios::binary);
  if (!file.good()) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return absl::UnavailableError(absl::StrCat(path, ": it cannot be read"));
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

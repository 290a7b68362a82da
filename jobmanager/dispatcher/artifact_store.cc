#include "jobmanager/dispatcher/artifact_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/base/status_macros.h"
#include "common/net/artifact_file.h"

namespace weir::jobmanager {
namespace {

absl::Status DiskError(absl::string_view action, absl::string_view path, int error_number) {
  const std::string message =
      absl::StrCat("cannot ", action, " '", path, "': ", strerror(error_number));
  switch (error_number) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
      // Not RESOURCE_EXHAUSTED: a client would send the whole file again and again.
      return absl::InternalError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status CheckId(const ArtifactId& id) {
  if (IsArtifactDigest(id.value())) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", id.value(), "' is no artifact: 64 hex digits (SHA-256) are expected"));
}

absl::Status SyncDirectory(const std::string& directory) {
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return DiskError("open", directory, errno);
  absl::Status status;
  if (fsync(file) != 0) status = DiskError("sync", directory, errno);
  close(file);
  return status;
}

}  // namespace

ArtifactUpload::ArtifactUpload(std::string directory, ArtifactId id, std::string temporary_path,
                               int file)
    : directory_(std::move(directory)),
      id_(std::move(id)),
      temporary_path_(std::move(temporary_path)),
      file_(file) {}

ArtifactUpload::~ArtifactUpload() {
  if (file_ >= 0) close(file_);
  unlink(temporary_path_.c_str());
}

absl::Status ArtifactUpload::Write(absl::string_view bytes) {
  bytes_ += bytes.size();
  if (bytes_ > kMaxArtifactBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the artifact is larger than ", FormatBytes(kMaxArtifactBytes)));
  }
  digest_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t count = write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return DiskError("write", temporary_path_, errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status ArtifactUpload::Commit() {
  const std::string digest = digest_.FinishHex();
  if (digest != id_.value()) {
    return absl::DataLossError(absl::StrCat("the artifact was announced as ", id_.value(),
                                            " and its ", bytes_, " bytes have the SHA-256 ",
                                            digest));
  }
  if (fsync(file_) != 0) return DiskError("sync", temporary_path_, errno);
  close(std::exchange(file_, -1));
  const std::string path = absl::StrCat(directory_, "/", id_.value());
  // EEXIST: somebody was faster with the same bytes.
  if (link(temporary_path_.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    return DiskError("create", path, errno);
  }
  return SyncDirectory(directory_);
}

ArtifactReader::~ArtifactReader() { close(file_); }

absl::StatusOr<std::string> ArtifactReader::Read(size_t max_bytes) {
  std::string bytes(max_bytes, '\0');
  while (true) {
    const ssize_t count = read(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return DiskError("read", path_, errno);
    bytes.resize(static_cast<size_t>(count));
    return bytes;
  }
}

absl::StatusOr<bool> ArtifactStore::Contains(const ArtifactId& id) const {
  WEIR_RETURN_IF_ERROR(CheckId(id));
  const std::string path = absl::StrCat(directory_, "/", id.value());
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return DiskError("look for", path, errno);
}

absl::StatusOr<std::unique_ptr<ArtifactUpload>> ArtifactStore::BeginUpload(const ArtifactId& id) {
  WEIR_RETURN_IF_ERROR(CheckId(id));
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return DiskError("make directory", directory_, error.value());
  std::string path = absl::StrCat(directory_, "/", random_.HexId(".upload-"));
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return DiskError("create", path, errno);
  return std::unique_ptr<ArtifactUpload>(new ArtifactUpload(directory_, id, std::move(path), file));
}

absl::StatusOr<std::unique_ptr<ArtifactReader>> ArtifactStore::Open(const ArtifactId& id) const {
  WEIR_RETURN_IF_ERROR(CheckId(id));
  std::string path = absl::StrCat(directory_, "/", id.value());
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) {
    return absl::NotFoundError(absl::StrCat("the cluster has no artifact ", id.value()));
  }
  if (file < 0) return DiskError("open", path, errno);
  return std::make_unique<ArtifactReader>(std::move(path), file);
}

}  // namespace weir::jobmanager

#include "common/net/artifact_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr size_t kReadBytes = 1 << 20;

// Put together when it is needed, so that the programs that look for it do not contain it.
std::string Marker() {
  const char* const parts[] = {"WEIR_JOB_", "BINARY_", "V1"};
  std::string marker;
  for (const char* part : parts) marker += part;
  return marker;
}

absl::Status CannotRead(absl::string_view path, int error_number) {
  const std::string message = absl::StrCat("cannot read '", path, "': ", strerror(error_number));
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return absl::NotFoundError(absl::StrCat("there is no file '", path, "'"));
  }
  if (error_number == EACCES || error_number == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

absl::Status NotAJob(absl::string_view path, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' is not a Weir job: ", reason));
}

absl::Status LookForMarker(int file, const std::string& path) {
  const std::string marker = Marker();
  std::string window;
  bool first = true;
  while (true) {
    const size_t kept = window.size();
    window.resize(kept + kReadBytes);
    const ssize_t count = read(file, window.data() + kept, kReadBytes);
    if (count < 0 && errno == EINTR) {
      window.resize(kept);
      continue;
    }
    if (count < 0) return CannotRead(path, errno);
    window.resize(kept + static_cast<size_t>(count));
    if (first && window.compare(0, 4,
                                "\x7f"
                                "ELF") != 0) {
      return NotAJob(path, "it is no executable of this system (ELF)");
    }
    first = false;
    if (window.find(marker) != std::string::npos) return absl::OkStatus();
    if (count == 0) return NotAJob(path, "it was not built with weir::RunJob");
    // The marker may lie across two reads.
    window.erase(0, window.size() - std::min(window.size(), marker.size() - 1));
  }
}

}  // namespace

absl::Status CheckJobBinary(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return CannotRead(path, errno);
  struct stat info = {};
  absl::Status status;
  if (fstat(file, &info) != 0) {
    status = CannotRead(path, errno);
  } else if (S_ISDIR(info.st_mode)) {
    status = NotAJob(path, "it is a directory");
  } else if (!S_ISREG(info.st_mode)) {
    status = NotAJob(path, "it is no regular file");
  } else if (static_cast<uint64_t>(info.st_size) > kMaxArtifactBytes) {
    status = absl::InvalidArgumentError(
        absl::StrCat("'", path, "' has ", FormatBytes(static_cast<uint64_t>(info.st_size)),
                     ", more than the ", FormatBytes(kMaxArtifactBytes), " an artifact may have"));
  } else {
    status = LookForMarker(file, path);
  }
  close(file);
  return status;
}

bool IsArtifactDigest(absl::string_view digest) {
  return digest.size() == 64 && std::all_of(digest.begin(), digest.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace weir

#include "jobmanager/ha/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {
namespace {

/// A file that is there for as long as this is.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& path) : path_(path) {
    for (int& descriptor : descriptors_) {
      descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      if (descriptor < 0 && error_ == 0) error_ = errno;
    }
  }
  ~ScratchFile() {
    for (const int descriptor : descriptors_) {
      if (descriptor >= 0) close(descriptor);
    }
    unlink(path_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// 0, or the errno of opening it.
  int error() const { return error_; }
  int first() const { return descriptors_[0]; }
  int second() const { return descriptors_[1]; }

 private:
  const std::string path_;
  std::array<int, 2> descriptors_ = {-1, -1};
  int error_ = 0;
};

}  // namespace

int TryLockExclusively(int descriptor) {
  return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

absl::Status CheckFileLock(const std::string& directory, Random& random,
                           const TryLockCall& try_lock) {
  const auto unusable = [&](const std::string& why) {
    return absl::FailedPreconditionError(
        absl::StrCat("storage.root cannot be used: ", why, " (checked in '", directory, "')"));
  };
  const ScratchFile file(absl::StrCat(directory, "/", random.HexId("check-")));
  if (file.error() != 0) return unusable(std::strerror(file.error()));
  const int error = try_lock(file.first());
  if (error != 0) {
    return unusable(absl::StrCat("it locks no files, so JobManagers cannot elect a leader there: ",
                                 std::strerror(error)));
  }
  const int again = try_lock(file.second());
  if (again == 0) {
    return unusable("it locks a file twice, so JobManagers cannot elect one leader there");
  }
  if (again == EWOULDBLOCK) return absl::OkStatus();
  return unusable(absl::StrCat("a file that is locked cannot be tried: ", std::strerror(again)));
}

}  // namespace weir::jobmanager

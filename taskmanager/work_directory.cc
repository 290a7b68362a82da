#include "taskmanager/work_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/io/posix_file_system.h"

namespace weir::taskmanager {
namespace {
constexpr size_t kSocketPathMax = 100;  // sun_path holds 108 bytes

// A file that is lost or damaged begins the count anew: then nobody is told from the start before.
absl::StatusOr<uint64_t> NextIncarnation(PosixFileSystem& files, const std::string& directory) {
  const std::string file = directory + "/incarnation";
  uint64_t last = 0;
  const absl::StatusOr<std::string> text = files.Read(file);
  if (!text.ok() || !absl::SimpleAtoi(*text, &last)) last = 0;
  WEIR_RETURN_IF_ERROR(files.Replace(file, absl::StrCat(last + 1)));
  return last + 1;
}

}  // namespace

absl::StatusOr<WorkDirectory> WorkDirectory::Open(const std::string& path, Random& random) {
  PosixFileSystem files(random);
  WEIR_RETURN_IF_ERROR(Annotate(files.MakeDirectory(path), "taskmanager.work-dir"));
  WorkDirectory directory;
  char* absolute = realpath(path.c_str(), nullptr);
  if (absolute == nullptr) return PosixError("resolve", path, errno);
  directory.path_ = absolute;
  std::free(absolute);
  if (chmod(directory.path_.c_str(), 0700) != 0) {
    return PosixError("change the mode of", directory.path_, errno);
  }
  const std::string lock = directory.path_ + "/lock";
  directory.lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (directory.lock_ < 0) return PosixError("open", lock, errno);
  if (flock(directory.lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "taskmanager.work-dir '", path, "' is in use by another TaskManager; give each its own"));
  }
  const std::string id_file = directory.path_ + "/node-id";
  absl::StatusOr<std::string> node = files.Read(id_file);
  if (!node.ok()) {
    node = random.HexId("node-");
    WEIR_RETURN_IF_ERROR(files.Replace(id_file, *node));
  }
  directory.node_ = *node;
  WEIR_ASSIGN_OR_RETURN(directory.incarnation_, NextIncarnation(files, directory.path_));
  directory.socket_path_ = directory.path_ + "/workers.sock";
  if (directory.socket_path_.size() > kSocketPathMax) {
    char name[] = "/tmp/weir-XXXXXX";
    if (mkdtemp(name) == nullptr) return PosixError("make a directory like", name, errno);
    directory.temporary_ = name;
    directory.socket_path_ = directory.temporary_ + "/workers.sock";
  }
  unlink(directory.socket_path_.c_str());
  return directory;
}

WorkDirectory::WorkDirectory(WorkDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      node_(std::move(other.node_)),
      incarnation_(other.incarnation_),
      socket_path_(std::move(other.socket_path_)),
      temporary_(std::move(other.temporary_)),
      lock_(std::exchange(other.lock_, -1)) {}

WorkDirectory::~WorkDirectory() {
  if (lock_ < 0) return;
  unlink(socket_path_.c_str());
  if (!temporary_.empty()) rmdir(temporary_.c_str());
  close(lock_);
}

}  // namespace weir::taskmanager

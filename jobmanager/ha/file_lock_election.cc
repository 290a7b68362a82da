#include "jobmanager/ha/file_lock_election.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/log.h"

namespace weir::jobmanager {

FileLockElection::FileLockElection(std::string path, Executor& executor, BlockingPool& pool,
                                   absl::Duration retry_interval)
    : path_(std::move(path)), executor_(executor), pool_(pool), retry_interval_(retry_interval) {}

FileLockElection::~FileLockElection() { executor_.Cancel(timer_); }

FileLockElection::LockFile::~LockFile() {
  if (descriptor >= 0) close(descriptor);
}

void FileLockElection::Start(std::function<void()> elected) {
  elected_ = std::move(elected);
  Try();
}

int FileLockElection::TryLock(const std::string& path, LockFile& file) {
  if (file.descriptor < 0) file.descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file.descriptor < 0) return errno;
  return flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

void FileLockElection::Try() {
  pool_.Run<int>(
      executor_, [path = path_, file = file_] { return TryLock(path, *file); },
      lifetime_.Guard([this](int error) {
        if (error == 0) return elected_();
        if (error != EWOULDBLOCK) {
          LogWarning("leader lock cannot be tried",
                     {{"path", path_}, {"error", std::strerror(error)}});
        }
        timer_ = executor_.PostAfter(retry_interval_, lifetime_.Guard([this] { Try(); }));
      }));
}

}  // namespace weir::jobmanager

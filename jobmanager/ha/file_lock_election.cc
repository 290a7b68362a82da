#include "jobmanager/ha/file_lock_election.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"

namespace weir::jobmanager {

FileLockElection::FileLockElection(std::string path, Executor& executor, BlockingPool& pool,
                                   absl::Duration retry_interval, TryLockCall try_lock)
    : path_(std::move(path)),
      executor_(executor),
      pool_(pool),
      retry_interval_(retry_interval),
      try_lock_(std::move(try_lock)) {}

FileLockElection::~FileLockElection() { executor_.Cancel(timer_); }

FileLockElection::LockFile::~LockFile() {
  if (descriptor >= 0) close(descriptor);
}

void FileLockElection::Start(std::function<void()> elected) {
  elected_ = std::move(elected);
  Try();
}

int FileLockElection::TryLock(const std::string& path, const TryLockCall& try_lock,
                              LockFile& file) {
  if (file.descriptor < 0) file.descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file.descriptor < 0) return errno;
  const int error = try_lock(file.descriptor);
  if (error == 0 || error == EWOULDBLOCK) return error;
  // One that went stale, as over NFS, never comes to itself again: the next try opens the file.
  close(std::exchange(file.descriptor, -1));
  return error;
}

void FileLockElection::Try() {
  pool_.Run<int>(
      executor_,
      [path = path_, try_lock = try_lock_, file = file_] { return TryLock(path, try_lock, *file); },
      lifetime_.Guard([this](int error) { OnTried(error); }));
}

void FileLockElection::OnTried(int error) {
  absl::Status now;
  if (error != 0 && error != EWOULDBLOCK) {
    now = absl::UnavailableError(
        absl::StrCat("the leader lock '", path_, "' cannot be tried: ", std::strerror(error)));
  }
  if (now != last_error_ && now.ok()) LogInfo("leader lock can be tried again", {{"path", path_}});
  if (now != last_error_ && !now.ok()) {
    LogWarning("leader lock cannot be tried", {{"path", path_}, {"error", std::strerror(error)}});
  }
  last_error_ = now;
  if (error == 0) return elected_();
  timer_ = executor_.PostAfter(retry_interval_, lifetime_.Guard([this] { Try(); }));
}

}  // namespace weir::jobmanager

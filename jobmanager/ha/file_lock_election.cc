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
    : path_(std::move(path)),
      executor_(executor),
      pool_(pool),
      retry_interval_(retry_interval) {}

FileLockElection::~FileLockElection() {
  executor_.Cancel(timer_);
  if (descriptor_ >= 0) close(descriptor_);
}

void FileLockElection::Start(std::function<void()> elected) {
  elected_ = std::move(elected);
  Try();
}

int FileLockElection::TryLock(const std::string& path, int* descriptor) {
  if (*descriptor < 0) *descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (*descriptor < 0) return errno;
  return flock(*descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}

void FileLockElection::Try() {
  struct Outcome {
    int descriptor;
    int error;
  };
  pool_.Run<Outcome>(
      executor_,
      [path = path_, descriptor = descriptor_]() mutable {
        const int error = TryLock(path, &descriptor);
        return Outcome{descriptor, error};
      },
      lifetime_.Guard([this](const Outcome& outcome) {
        descriptor_ = outcome.descriptor;
        if (outcome.error == 0) return elected_();
        if (outcome.error != EWOULDBLOCK) {
          LogWarning("leader lock cannot be tried",
                     {{"path", path_}, {"error", std::strerror(outcome.error)}});
        }
        timer_ = executor_.PostAfter(retry_interval_, lifetime_.Guard([this] { Try(); }));
      }));
}

}  // namespace weir::jobmanager

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "jobmanager/ha/leader_election.h"

namespace weir::jobmanager {

/// The embedded default: an exclusive lock on a file in checkpoint storage, held for as long as the
/// process lives; the kernel lets go of it when the process dies, however it dies.
///
/// Threads: as LeaderElection; calls on `executor`, which it borrows together with `pool`.
/// Errors: a lock that cannot be tried (no directory, no permission) is logged and tried again.
class FileLockElection final : public LeaderElection {
 public:
  FileLockElection(std::string path, Executor& executor, BlockingPool& pool,
                   absl::Duration retry_interval = absl::Milliseconds(50));
  ~FileLockElection() override;

  void Start(std::function<void()> elected) override;

 private:
  /// The open lock file; closing it lets go of the lock. A try under way keeps it.
  struct LockFile {
    ~LockFile();
    int descriptor = -1;
  };

  void Try();
  /// 0: locked; else the errno of the failure.
  static int TryLock(const std::string& path, LockFile& file);

  const std::string path_;
  Executor& executor_;
  BlockingPool& pool_;
  const absl::Duration retry_interval_;
  std::function<void()> elected_;
  std::shared_ptr<LockFile> file_ = std::make_shared<LockFile>();
  TimerId timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager

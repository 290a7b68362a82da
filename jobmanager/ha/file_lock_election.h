#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "jobmanager/ha/file_lock.h"
#include "jobmanager/ha/leader_election.h"

namespace weir::jobmanager {

/// The embedded default: an exclusive lock on a file in checkpoint storage, held for as long as the
/// process lives; the kernel lets go of it when the process dies, however it dies.
///
/// Threads: as LeaderElection; calls on `executor`, which it borrows together with `pool`.
/// Errors: a lock that cannot be tried (no directory, no permission, a file system without locks)
/// is last_error(), is logged when that changes, and is tried again.
class FileLockElection final : public LeaderElection {
 public:
  FileLockElection(std::string path, Executor& executor, BlockingPool& pool,
                   absl::Duration retry_interval = absl::Milliseconds(50),
                   TryLockCall try_lock = TryLockExclusively);
  ~FileLockElection() override;

  void Start(std::function<void()> elected) override;
  absl::Status last_error() const override { return last_error_; }

 private:
  /// The open lock file; closing it lets go of the lock. A try under way keeps it.
  struct LockFile {
    ~LockFile();
    int descriptor = -1;
  };

  void Try();
  /// 0: locked; else the errno of the failure.
  static int TryLock(const std::string& path, const TryLockCall& try_lock, LockFile& file);
  void OnTried(int error);

  const std::string path_;
  Executor& executor_;
  BlockingPool& pool_;
  const absl::Duration retry_interval_;
  const TryLockCall try_lock_;
  std::function<void()> elected_;
  std::shared_ptr<LockFile> file_ = std::make_shared<LockFile>();
  absl::Status last_error_;
  TimerId timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager

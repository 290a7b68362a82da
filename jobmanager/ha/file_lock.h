#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

#include "common/base/random.h"

namespace weir::jobmanager {

/// Tries to lock an open file for itself alone, without waiting: 0, EWOULDBLOCK when another has
/// it, or the errno of what went wrong. Called on any thread.
using TryLockCall = std::function<int(int descriptor)>;

/// flock(2). The kernel, or the storage server, lets go when the last descriptor is closed.
int TryLockExclusively(int descriptor);

/// Do locks of files below `directory`, which exists, work? Locks a file of its own there, and sees
/// that a second one cannot. Blocks; run once at start. It cannot see whether other machines would
/// find the file locked.
/// FAILED_PRECONDITION, one sentence with the directory: where no file can be locked (ENOLCK,
/// EOPNOTSUPP), or one can be locked twice, no leader can be elected.
absl::Status CheckFileLock(const std::string& directory, Random& random,
                           const TryLockCall& try_lock = TryLockExclusively);

}  // namespace weir::jobmanager

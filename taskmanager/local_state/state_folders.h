#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir::taskmanager {

/// The folders of keyed state on the disk of a TaskManager: ROOT/JOB/WORKER, one for each worker
/// process. In it a folder for each generation, and `copies`: files that lie in checkpoint storage,
/// too, for the next worker of the job on this machine (local_state_copies.h).
///
/// Threads: any; the functions block. Errors: what cannot be removed stays; the next call tries
/// again.
std::string StateFolderOf(const std::string& root, absl::string_view job, absl::string_view worker);

/// Where a worker with this folder has its copies.
std::string CopiesFolderOf(const std::string& state_folder);

/// The workers that have a folder, of all jobs.
std::set<std::string> WorkersWithStateFolders(const std::string& root);

/// Of workers that have ended only copies stay, and those for `age` after this was called for them
/// first.
void CleanStateFolders(const std::string& root, const std::set<std::string>& ended,
                       absl::Duration age, absl::Time now);

}  // namespace weir::taskmanager

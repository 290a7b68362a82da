#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace weir::taskmanager {

/// Removes the oldest log files of ended workers in a job's log directory, so that `keep` stay;
/// names in `in_use` are never touched. Blocks; failures are logged and change nothing else.
void RemoveOldLogs(const std::string& directory, size_t keep, const std::set<std::string>& in_use);

}  // namespace weir::taskmanager

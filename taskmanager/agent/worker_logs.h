#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proto/control.pb.h"

namespace weir::taskmanager {

/// Removes the oldest log files of ended workers in a job's log directory, so that `keep` stay;
/// names in `in_use` are never touched. Blocks; failures are logged and change nothing else.
void RemoveOldLogs(const std::string& directory, size_t keep, const std::set<std::string>& in_use);

/// What a launcher knows of a job's workers beside their files.
struct KnownWorkers {
  std::set<std::string> alive;
  std::map<std::string, std::string> endings;  // of those that have ended: how
};

/// Pieces of the log files in a job's log directory, as the request wants them; `max_bytes` are
/// shared among the files. Those of ended workers first, the oldest first. Blocks. No directory and
/// a file that cannot be read give nothing.
std::vector<proto::WorkerLog> ReadLogFiles(const std::string& directory,
                                           const proto::ReadWorkerLogs& request,
                                           const KnownWorkers& known);

}  // namespace weir::taskmanager

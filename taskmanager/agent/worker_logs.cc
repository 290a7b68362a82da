#include "taskmanager/agent/worker_logs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace weir::taskmanager {

void RemoveOldLogs(const std::string& directory, size_t keep, const std::set<std::string>& in_use) {
  std::error_code error;
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> logs;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (in_use.count(entry.path().filename().string()) > 0) continue;
    const auto written = entry.last_write_time(error);
    if (!error) logs.emplace_back(written, entry.path());
  }
  std::sort(logs.rbegin(), logs.rend());
  for (size_t i = keep; i < logs.size(); ++i) {
    if (!std::filesystem::remove(logs[i].second, error) && error) {
      LogWarning("old worker log not removed",
                 {{"file", logs[i].second.string()}, {"error", error.message()}});
    }
  }
}

}  // namespace weir::taskmanager

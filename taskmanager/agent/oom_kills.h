#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir::taskmanager {

/// Tells whether the kernel has killed a process because memory ran out, since somebody last asked:
/// the counter of this process's control group where there is one (memory.events, or in version 1
/// memory.oom_control), else that of the machine (/proc/vmstat).
///
/// Which process it was the counters do not say. Threads: one. Errors: none; where neither can be
/// read nothing is ever told.
class OomKills {
 public:
  /// `root`: "" but in tests.
  explicit OomKills(const std::string& root = "");

  /// "" or the file whose counter has risen since construction or the call before.
  std::string FindNew();

  const std::string& file() const { return file_; }

 private:
  std::optional<uint64_t> Read() const;

  std::string file_;  // that of the control group, or /proc/vmstat
  std::optional<uint64_t> last_;
};

}  // namespace weir::taskmanager

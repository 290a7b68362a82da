#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::taskmanager {

/// The control group under whose memory limit this process lives, of version 1 or 2: what a
/// container's or a service's memory limit becomes.
///
/// Found by /proc/self/cgroup and /proc/self/mountinfo once, at construction, which reads files;
/// limits are read anew by each call, as they may change while the process runs. Where both
/// versions are mounted (hybrid) the one that has the memory controller counts.
/// Threads: any number may read at a time. Errors: none; what cannot be read is not there.
class MemoryCgroup {
 public:
  struct Limit {
    uint64_t bytes = 0;
    std::string file;  // that says so
  };

  /// `root`: "" but in tests.
  explicit MemoryCgroup(const std::string& root = "");

  /// The least limit of the group and of those above it, as far as they are seen from here; nothing
  /// when none is set. Version 2 says "max" for none; of version 1 everything above 2^60 is none.
  std::optional<Limit> FindLimit() const;

  /// The file with the group's counter "oom_kill"; "" when there is none.
  const std::string& oom_file() const { return oom_file_; }

 private:
  std::vector<std::string> limit_files_;  // the group's own first
  std::string oom_file_;
};

}  // namespace weir::taskmanager

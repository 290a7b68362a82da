#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace weir {

/// A program to start. Paths are absolute.
struct SpawnOptions {
  enum class Group { kProcessGroup, kSession };

  std::vector<std::string> argv;                   // [0] is what is run
  std::map<std::string, std::string> environment;  // and nothing of ours
  std::string working_directory = "";              // empty: ours
  std::string log_file;                            // gets both output streams, appended
  std::string output_file = "";                    // descriptor 3, made empty; empty: closed
  Group group = Group::kProcessGroup;              // of its own
};

/// posix_spawn(3): 0 and the pid, or errno. The child's standard input is empty, it gets the
/// descriptors above and no other, whatever their flags, and signals as a shell would give them:
/// none blocked, none ignored. Any thread; the caller reaps it.
int SpawnProcess(const SpawnOptions& options, pid_t* pid);

}  // namespace weir

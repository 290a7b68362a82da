#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

#include "common/base/random.h"

namespace weir::taskmanager {

/// The local directory of one TaskManager: locked while it runs, and named by an id that stays.
/// Blocks; main thread. The lock is held until destruction.
class WorkDirectory {
 public:
  /// FAILED_PRECONDITION when another TaskManager runs in it.
  static absl::StatusOr<WorkDirectory> Open(const std::string& path, Random& random);
  ~WorkDirectory();
  WorkDirectory(WorkDirectory&& other) noexcept;
  WorkDirectory& operator=(WorkDirectory&&) = delete;

  const std::string& path() const { return path_; }
  /// The same for every start on this directory.
  const std::string& node() const { return node_; }
  /// Counts the starts on this directory, from 1.
  uint64_t incarnation() const { return incarnation_; }
  /// A path for a Unix socket, short enough for the kernel, in a directory only we can enter.
  const std::string& socket_path() const { return socket_path_; }

 private:
  WorkDirectory() = default;
  std::string path_;
  std::string node_;
  uint64_t incarnation_ = 0;
  std::string socket_path_;
  std::string temporary_;  // removed at the end, when the socket lies outside
  int lock_ = -1;
};

}  // namespace weir::taskmanager

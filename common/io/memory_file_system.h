#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/exec/mutex.h"
#include "common/io/file_system.h"

namespace weir {

/// Files in memory with the semantics of PosixFileSystem, for tests and simulation. "/" and the
/// working directory exist from the start. Thread-safe; never blocks for long.
class MemoryFileSystem final : public FileSystem {
 public:
  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override;
  absl::Status Replace(absl::string_view path, absl::string_view contents) override;
  absl::StatusOr<std::string> Read(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override;
  absl::Status MakeDirectory(absl::string_view directory) override;

  /// For inspection: the paths of all files, sorted.
  std::vector<std::string> Paths() const;
  bool Exists(absl::string_view path) const;
  size_t TotalBytes() const;

 private:
  // OK when `path` (normalised) can name a file in an existing directory.
  absl::Status CheckParent(absl::string_view action, const std::string& path) const
      WEIR_REQUIRES(mutex_);
  bool IsDirectory(const std::string& path) const WEIR_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, std::string> files_ WEIR_GUARDED_BY(mutex_);
  std::set<std::string> directories_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

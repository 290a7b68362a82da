#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/io/file_system.h"

namespace weir {

/// Files of the machine or of a network mount that all processes share.
///
/// A file appears under its name complete and synced, or not at all: it is written beside its
/// place as `.tmp-<pid>-<random>`, synced, then linked (CreateExclusive) or renamed (Replace), and
/// the directory is synced. A crash may leave such a temporary file; List does not show them.
/// Remove is not synced: after a power loss the file may be back.
///
/// Errors, beside those of FileSystem: RESOURCE_EXHAUSTED also for a quota, INVALID_ARGUMENT for
/// an impossible name, FAILED_PRECONDITION where a file stands for a directory or the reverse,
/// UNAVAILABLE for all that may pass (EIO, ESTALE, ETIMEDOUT, ...).
/// `random` must outlive it.
class PosixFileSystem final : public FileSystem {
 public:
  explicit PosixFileSystem(Random& random) : random_(random) {}

  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override;
  absl::Status Replace(absl::string_view path, absl::string_view contents) override;
  absl::StatusOr<std::string> Read(absl::string_view path) override;
  absl::Status Remove(absl::string_view path) override;
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override;
  void RemoveLeftovers(absl::string_view directory, absl::Time before) override;
  absl::Status MakeDirectory(absl::string_view directory) override;

 private:
  // Writes and syncs a new temporary file in the directory of `path` and returns its path.
  absl::StatusOr<std::string> WriteTemporary(const std::string& path, absl::string_view contents);

  Random& random_;
};

/// The status for a failed system call on a path: "cannot <action> '<path>': <strerror>".
absl::Status PosixError(absl::string_view action, absl::string_view path, int error_number);

}  // namespace weir

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

/// Durable files, as checkpoint storage needs them. Every call blocks: call it on a BlockingPool.
///
/// Threads: thread-safe.
/// Errors: NOT_FOUND, ALREADY_EXISTS (CreateExclusive), PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk
/// full), UNAVAILABLE (outcome unknown: the call may or may not have taken effect). Each message
/// names the path.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Creates `path` with `contents` if absent, all or nothing: written to a temporary name, synced,
  /// linked, directory synced. When it returns OK the file survives a power loss.
  virtual absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) = 0;
  /// As CreateExclusive, but replaces an older file in one step.
  virtual absl::Status Replace(absl::string_view path, absl::string_view contents) = 0;
  virtual absl::StatusOr<std::string> Read(absl::string_view path) = 0;
  /// OK when the file is gone, also when it was not there.
  virtual absl::Status Remove(absl::string_view path) = 0;
  /// Names (not paths) in the directory, sorted; NOT_FOUND when there is no such directory.
  virtual absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) = 0;
  /// Removes what writers that were killed have left in the directory, last written before that
  /// time, and the directory when it is empty and was so then. Never an error: what cannot go
  /// stays.
  virtual void RemoveLeftovers(absl::string_view directory, absl::Time before) {
    (void)directory;
    (void)before;
  }
  /// Creates the directory and its parents; OK when it is there.
  virtual absl::Status MakeDirectory(absl::string_view directory) = 0;
};

}  // namespace weir

#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// A file or folder of the local disk that goes with this object, contents and all. Whatever refers
/// to it holds a shared pointer. Threads: thread-safe.
class LocalPath {
 public:
  explicit LocalPath(std::string path) : path_(std::move(path)) {}
  ~LocalPath();
  LocalPath(const LocalPath&) = delete;
  LocalPath& operator=(const LocalPath&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

/// Writes one file from its beginning.
///
/// Threads: one. Life cycle: Open, Append..., Finish; without Finish, what is there is no file.
/// Errors: RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE for the rest; each names the path.
class LocalFileWriter {
 public:
  static absl::StatusOr<std::unique_ptr<LocalFileWriter>> Open(std::string path);
  ~LocalFileWriter();
  LocalFileWriter(const LocalFileWriter&) = delete;
  LocalFileWriter& operator=(const LocalFileWriter&) = delete;

  absl::Status Append(absl::string_view bytes);
  /// Syncs.
  absl::Status Finish();

 private:
  LocalFileWriter(std::string path, int file) : path_(std::move(path)), file_(file) {}

  const std::string path_;
  int file_;
};

/// The whole file. NOT_FOUND; UNAVAILABLE, also when it is shorter or longer than the file system
/// has said.
absl::StatusOr<std::string> ReadLocalFile(const std::string& path);
/// With its parents; OK when it is there.
absl::Status MakeLocalFolder(const std::string& path);
/// A hard link, or a copy where there can be none.
absl::Status LinkOrCopy(const std::string& from, const std::string& to);
absl::Status CopyLocalFile(const std::string& from, const std::string& to);

}  // namespace weir

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/sha256.h"

namespace weir::jobmanager {

/// One artifact on its way into the store. Its bytes lie in a temporary file, which is removed
/// when this is destroyed without Commit. One thread at a time; blocks on the disk.
class ArtifactUpload {
 public:
  ~ArtifactUpload();
  ArtifactUpload(const ArtifactUpload&) = delete;
  ArtifactUpload& operator=(const ArtifactUpload&) = delete;

  /// RESOURCE_EXHAUSTED: larger than kMaxArtifactBytes, or the disk is full.
  absl::Status Write(absl::string_view bytes);

  /// Makes the artifact visible, synced. DATA_LOSS when the bytes do not have the digest that was
  /// announced. Once.
  absl::Status Commit();

 private:
  friend class ArtifactStore;
  ArtifactUpload(std::string directory, ArtifactId id, std::string temporary_path, int file);

  const std::string directory_;
  const ArtifactId id_;
  const std::string temporary_path_;
  int file_;
  uint64_t bytes_ = 0;
  Sha256 digest_;
};

/// An artifact being read from its start. One thread at a time; blocks on the disk.
class ArtifactReader {
 public:
  explicit ArtifactReader(std::string path, int file) : path_(std::move(path)), file_(file) {}
  ~ArtifactReader();
  ArtifactReader(const ArtifactReader&) = delete;
  ArtifactReader& operator=(const ArtifactReader&) = delete;

  /// At most `max_bytes`; empty at the end.
  absl::StatusOr<std::string> Read(size_t max_bytes);

 private:
  const std::string path_;
  const int file_;
};

/// The binaries of jobs, one file each, named by its SHA-256, in checkpoint storage, so that every
/// JobManager of the cluster has them. A file appears whole or not at all and never changes.
///
/// Threads: any. Every call blocks on the disk: call it on a BlockingPool.
/// Errors name the path. `random` must outlive the store.
class ArtifactStore {
 public:
  /// `directory`: "<storage.root>/<cluster>/artifacts"; made when the first artifact comes.
  ArtifactStore(std::string directory, Random& random)
      : directory_(std::move(directory)), random_(random) {}

  absl::StatusOr<bool> Contains(const ArtifactId& id) const;

  /// INVALID_ARGUMENT when `id` is no SHA-256.
  absl::StatusOr<std::unique_ptr<ArtifactUpload>> BeginUpload(const ArtifactId& id);

  /// NOT_FOUND when there is no such artifact.
  absl::StatusOr<std::unique_ptr<ArtifactReader>> Open(const ArtifactId& id) const;

 private:
  const std::string directory_;
  Random& random_;
};

}  // namespace weir::jobmanager

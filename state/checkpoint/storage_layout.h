#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "common/base/ids.h"

namespace weir {

/// Every path name in checkpoint storage, in one place (docs/protocols/logs.md). Pure.
class StorageLayout {
 public:
  /// `root` is storage.root, `cluster` cluster.id; neither ends in '/'.
  StorageLayout(absl::string_view root, absl::string_view cluster);

  const std::string& cluster_id() const { return cluster_id_; }
  const std::string& cluster_directory() const { return cluster_; }
  std::string ClusterLogDirectory() const;
  std::string ProbeDirectory() const;
  std::string ProbePath(LeaderTerm term, absl::string_view nonce) const;
  std::string ArtifactDirectory() const;
  std::string LeaderLockPath() const;
  std::string JobsDirectory() const;

  std::string JobDirectory(const JobId& job) const;
  std::string JobLogDirectory(const JobId& job) const;
  std::string JobProbePath(const JobId& job) const;

  /// Names of a job's objects, relative to its directory: what manifests and log entries hold.
  static std::string ManifestObject(Epoch epoch, absl::string_view nonce);
  /// kBlobs/<worker>/<epoch>-<number>
  static constexpr absl::string_view kBlobs = "blobs";
  static std::string BlobObject(const WorkerId& worker, Epoch epoch, uint64_t number);

 private:
  std::string cluster_id_;
  std::string cluster_;
};

}  // namespace weir

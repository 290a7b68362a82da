#include "state/checkpoint/storage_layout.h"

#include "absl/strings/str_cat.h"

namespace weir {

StorageLayout::StorageLayout(absl::string_view root, absl::string_view cluster)
    : cluster_id_(cluster), cluster_(absl::StrCat(root, "/", cluster)) {}

std::string StorageLayout::ClusterLogDirectory() const { return absl::StrCat(cluster_, "/log"); }

std::string StorageLayout::ProbeDirectory() const { return absl::StrCat(cluster_, "/probe"); }

std::string StorageLayout::ProbePath(LeaderTerm term, absl::string_view nonce) const {
  return absl::StrCat(ProbeDirectory(), "/", term.value(), "-", nonce);
}

std::string StorageLayout::ArtifactDirectory() const {
  return absl::StrCat(cluster_, "/artifacts");
}

std::string StorageLayout::LeaderLockPath() const { return absl::StrCat(cluster_, "/leader.lock"); }

std::string StorageLayout::JobsDirectory() const { return absl::StrCat(cluster_, "/jobs"); }

std::string StorageLayout::JobDirectory(const JobId& job) const {
  return absl::StrCat(cluster_, "/jobs/", job.value());
}

std::string StorageLayout::JobLogDirectory(const JobId& job) const {
  return absl::StrCat(JobDirectory(job), "/log");
}

std::string StorageLayout::JobProbePath(const JobId& job) const {
  return absl::StrCat(JobDirectory(job), "/probe");
}

std::string StorageLayout::ManifestObject(Epoch epoch, absl::string_view nonce) {
  return absl::StrCat("manifests/", epoch.value(), "-", nonce);
}

std::string StorageLayout::BlobObject(const WorkerId& worker, Epoch epoch, uint64_t number) {
  return absl::StrCat(kBlobs, "/", worker.value(), "/", epoch.value(), "-", number);
}

}  // namespace weir

#include "state/checkpoint/storage_layout.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

const StorageLayout kLayout("/shared/weir", "east");

TEST(StorageLayout, KeepsTheClusterUnderItsName) {
  EXPECT_EQ(kLayout.cluster_directory(), "/shared/weir/east");
  EXPECT_EQ(kLayout.ClusterLogDirectory(), "/shared/weir/east/log");
  EXPECT_EQ(kLayout.ArtifactDirectory(), "/shared/weir/east/artifacts");
  EXPECT_EQ(kLayout.LeaderLockPath(), "/shared/weir/east/leader.lock");
}

TEST(StorageLayout, NamesAProbeByTermAndNonce) {
  EXPECT_EQ(kLayout.ProbePath(LeaderTerm(7), "abc"), "/shared/weir/east/probe/7-abc");
}

TEST(StorageLayout, GivesEveryJobAFolder) {
  const JobId job("job-1");
  EXPECT_EQ(kLayout.JobDirectory(job), "/shared/weir/east/jobs/job-1");
  EXPECT_EQ(kLayout.JobLogDirectory(job), "/shared/weir/east/jobs/job-1/log");
  EXPECT_EQ(kLayout.JobProbePath(job), "/shared/weir/east/jobs/job-1/probe");
}

TEST(StorageLayout, NamesAManifestByEpochAndNonce) {
  EXPECT_EQ(StorageLayout::ManifestObject(Epoch(12), "ff"), "manifests/12-ff");
}

TEST(StorageLayout, NamesABlobByWorkerEpochAndNumber) {
  EXPECT_EQ(StorageLayout::BlobObject(WorkerId("w-1"), Epoch(12), 3), "blobs/w-1/12-3");
}

}  // namespace
}  // namespace weir

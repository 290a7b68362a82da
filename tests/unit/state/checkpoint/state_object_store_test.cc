#include "state/checkpoint/state_object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/sha256.h"
#include "tests/support/testing_file_system.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Call = TestingFileSystem::Call;

class StateObjectStoreTest : public ::testing::Test {
 protected:
  proto::CheckpointOwned OwnManifest(uint64_t epoch) {
    proto::CheckpointManifest manifest;
    manifest.set_epoch(epoch);
    proto::CheckpointOwned owned;
    owned.set_epoch(epoch);
    owned.set_manifest_object("manifests/4-n");
    owned.set_manifest_sha256(Sha256Hex(manifest.SerializeAsString()));
    EXPECT_TRUE(store_.WriteManifest("manifests/4-n", manifest.SerializeAsString()).ok());
    return owned;
  }

  TestingFileSystem files_;
  StateObjectStore store_{files_, "/jobs/j"};
};

TEST_F(StateObjectStoreTest, InlinesUpToTheLimit) {
  const auto object = store_.Write("1234", 4, "blobs/w/1-1");
  EXPECT_EQ(object->inlined(), "1234");
  EXPECT_THAT(files_.memory.Paths(), IsEmpty());
}

TEST_F(StateObjectStoreTest, WritesABlobAboveTheLimit) {
  const auto object = store_.Write("12345", 4, "blobs/w/1-1");
  EXPECT_EQ(object->blob(), "blobs/w/1-1");
  EXPECT_THAT(files_.memory.Paths(), ElementsAre("/jobs/j/blobs/w/1-1"));
}

TEST_F(StateObjectStoreTest, ABlobIsNotInlinedAsWell) {
  EXPECT_EQ(store_.Write("12345", 4, "blobs/w/1-1")->inlined(), "");
}

TEST_F(StateObjectStoreTest, ReadsBackWhatIsInlined) {
  EXPECT_EQ(store_.Read(*store_.Write("1234", 4, "b/1")).value(), "1234");
}

TEST_F(StateObjectStoreTest, ReadsBackABlob) {
  EXPECT_EQ(store_.Read(*store_.Write("12345", 4, "b/1")).value(), "12345");
}

TEST_F(StateObjectStoreTest, ACorruptBlobIsNamed) {
  const auto object = store_.Write("12345", 4, "b/1");
  ASSERT_TRUE(files_.memory.Replace("/jobs/j/b/1", "12346").ok());
  const absl::Status status = store_.Read(*object).status();
  EXPECT_EQ(status,
            absl::DataLossError("state object /jobs/j/b/1 is corrupt: its checksum differs"));
}

TEST_F(StateObjectStoreTest, AMissingBlobIsNamed) {
  const auto object = store_.Write("12345", 4, "b/1");
  ASSERT_TRUE(store_.Delete("b/1").ok());
  const absl::Status status = store_.Read(*object).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/jobs/j/b/1"));
}

TEST_F(StateObjectStoreTest, AWriteOfUnknownOutcomeMayBeRepeated) {
  files_.Inject({Call::kCreate, absl::UnavailableError("gone"), "", true, 1});
  ASSERT_TRUE(absl::IsUnavailable(store_.Write("12345", 4, "b/1").status()));
  EXPECT_EQ(store_.Write("12345", 4, "b/1").status(), absl::OkStatus());
}

TEST_F(StateObjectStoreTest, AnotherObjectIsNeverOverwritten) {
  ASSERT_TRUE(store_.Write("12345", 4, "b/1").ok());
  EXPECT_EQ(store_.Write("54321", 4, "b/1").status(),
            absl::InternalError("/jobs/j/b/1 exists with other contents"));
  EXPECT_EQ(files_.memory.Read("/jobs/j/b/1").value(), "12345");
}

TEST_F(StateObjectStoreTest, AStorageErrorIsPassedOn) {
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("full"), "", false, 1});
  EXPECT_EQ(store_.Write("12345", 4, "b/1").status(), absl::ResourceExhaustedError("full"));
}

TEST_F(StateObjectStoreTest, ReadsAnInlinedManifest) {
  proto::CheckpointOwned owned;
  owned.mutable_manifest()->set_epoch(4);
  EXPECT_EQ(store_.ReadManifest(owned)->epoch(), 4u);
}

TEST_F(StateObjectStoreTest, ReadsAManifestObject) {
  EXPECT_EQ(store_.ReadManifest(OwnManifest(4))->epoch(), 4u);
}

TEST_F(StateObjectStoreTest, ACorruptManifestIsNamedWithItsEpoch) {
  const proto::CheckpointOwned owned = OwnManifest(4);
  ASSERT_TRUE(files_.memory.Replace("/jobs/j/manifests/4-n", "x").ok());
  EXPECT_EQ(store_.ReadManifest(owned).status(),
            absl::DataLossError("manifest /jobs/j/manifests/4-n of epoch 4 is corrupt: its "
                                "checksum differs"));
}

TEST_F(StateObjectStoreTest, DeletingWhatIsGoneIsNoError) {
  EXPECT_EQ(store_.Delete("b/none"), absl::OkStatus());
}

TEST_F(StateObjectStoreTest, ListsTheBlobsOfAManifest) {
  proto::CheckpointManifest manifest;
  proto::TaskSnapshot* task = manifest.add_tasks();
  task->add_operators()->mutable_state()->set_blob("b/1");
  task->add_operators()->mutable_state()->set_inlined("x");
  manifest.add_tasks()->add_operators()->mutable_state()->set_blob("b/2");
  EXPECT_THAT(StateObjectStore::ReferencedBlobs(manifest), ElementsAre("b/1", "b/2"));
}

TEST_F(StateObjectStoreTest, ObjectsOfOperatorStateAreACheckpointsOwn) {
  proto::CheckpointManifest manifest;
  proto::OperatorStateSnapshot* state =
      manifest.add_tasks()->add_operators()->mutable_operator_state();
  state->mutable_lists()->set_blob("b/1");
  state->mutable_union_lists()->set_blob("b/2");
  state->mutable_broadcast()->set_blob("b/3");
  EXPECT_THAT(StateObjectStore::ReferencedBlobs(manifest), ElementsAre("b/1", "b/2", "b/3"));
  EXPECT_THAT(StateObjectStore::OwnBlobs(manifest), ElementsAre("b/1", "b/2", "b/3"));
}

proto::CheckpointManifest ManifestWith(const std::vector<std::pair<std::string, bool>>& files) {
  proto::CheckpointManifest manifest;
  proto::OperatorSnapshot* one = manifest.add_tasks()->add_operators();
  for (const auto& [blob, reused] : files) {
    proto::StateFile* file = one->add_files();
    file->mutable_object()->set_blob(blob);
    file->set_reused(reused);
  }
  return manifest;
}

TEST_F(StateObjectStoreTest, WhatACheckpointReusesIsNotItsOwn) {
  EXPECT_THAT(StateObjectStore::OwnBlobs(ManifestWith({{"b/1", true}, {"b/2", false}})),
              ElementsAre("b/2"));
}

TEST_F(StateObjectStoreTest, WhatALaterCheckpointHasTooStays) {
  EXPECT_THAT(StateObjectStore::UnsharedBlobs(
                  ManifestWith({{"b/1", true}, {"b/2", false}, {"b/3", false}}),
                  {ManifestWith({{"b/4", false}}), ManifestWith({{"b/2", true}})}),
              ElementsAre("b/1", "b/3"));
}

}  // namespace
}  // namespace weir

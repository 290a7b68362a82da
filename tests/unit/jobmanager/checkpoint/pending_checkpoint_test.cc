#include "jobmanager/checkpoint/pending_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

const SubtaskId kFirst{VertexId(1), 0};
const SubtaskId kSecond{VertexId(1), 1};

proto::CheckpointAnswer AnswerOf(const std::vector<uint32_t>& indexes,
                                 const std::string& blob = "") {
  proto::CheckpointAnswer answer;
  for (const uint32_t index : indexes) {
    proto::TaskSnapshot* snapshot = answer.add_snapshots();
    snapshot->set_vertex(1);
    snapshot->set_index(index);
    if (!blob.empty()) {
      snapshot->add_operators()->mutable_state()->set_blob(blob);
      snapshot->mutable_operators(0)->mutable_state()->set_size_bytes(1000000);
    }
  }
  return answer;
}

class PendingCheckpointTest : public ::testing::Test {
 protected:
  PendingCheckpoint pending_{Epoch(4), LeaderTerm(2), true, {kFirst, kSecond}, absl::Seconds(1)};
};

TEST_F(PendingCheckpointTest, TheTriggerNamesTheAttempt) {
  EXPECT_EQ(pending_.Trigger().epoch(), 4u);
  EXPECT_EQ(pending_.Trigger().attempt_term(), 2u);
  EXPECT_TRUE(pending_.Trigger().final());
}

TEST_F(PendingCheckpointTest, OneAnswerOfTwoIsNotComplete) {
  pending_.OnAnswer(AnswerOf({0}), absl::Seconds(1));
  EXPECT_FALSE(pending_.complete());
}

TEST_F(PendingCheckpointTest, KnowsWhoHasAnswered) {
  pending_.OnAnswer(AnswerOf({0}), absl::Seconds(1));
  EXPECT_TRUE(pending_.HasAnswered(kFirst));
  EXPECT_THAT(pending_.waiting(), ElementsAre(kSecond));
}

TEST_F(PendingCheckpointTest, AllAnswersCompleteIt) {
  pending_.OnAnswer(AnswerOf({1}), absl::Seconds(1));
  pending_.OnAnswer(AnswerOf({0}), absl::Seconds(1));
  EXPECT_TRUE(pending_.complete());
}

TEST_F(PendingCheckpointTest, ARepeatedAnswerChangesNothing) {
  pending_.OnAnswer(AnswerOf({0}, "first"), absl::Seconds(1));
  pending_.OnAnswer(AnswerOf({0}, "again"), absl::Seconds(1));
  EXPECT_THAT(pending_.Blobs(), ElementsAre("first"));
}

TEST_F(PendingCheckpointTest, AnAnswerOfAnUnknownTaskIsIgnored) {
  pending_.OnAnswer(AnswerOf({7}, "stray"), absl::Seconds(1));
  proto::CheckpointManifest manifest;
  pending_.FillManifest(&manifest);
  EXPECT_THAT(manifest.tasks(), SizeIs(0));
}

TEST_F(PendingCheckpointTest, TheManifestIsOrderedByTask) {
  pending_.OnAnswer(AnswerOf({1}), absl::Seconds(1));
  pending_.OnAnswer(AnswerOf({0}), absl::Seconds(1));
  proto::CheckpointManifest manifest;
  pending_.FillManifest(&manifest);
  EXPECT_EQ(manifest.tasks(0).index(), 0u);
  EXPECT_EQ(manifest.tasks(1).index(), 1u);
}

TEST_F(PendingCheckpointTest, CountsTheBytesOfBlobs) {
  pending_.OnAnswer(AnswerOf({0}, "blob"), absl::Seconds(1));
  EXPECT_GE(pending_.StateBytes(), 1000000u);
}

TEST_F(PendingCheckpointTest, CountsFilesThatEarlierCheckpointsWrote) {
  proto::CheckpointAnswer answer = AnswerOf({0});
  proto::StateFile* file = answer.mutable_snapshots(0)->add_operators()->add_files();
  file->set_reused(true);
  file->mutable_object()->set_blob("earlier");
  file->mutable_object()->set_size_bytes(5'000'000);
  pending_.OnAnswer(answer, absl::Seconds(1));
  EXPECT_GE(pending_.StateBytes(), 5'000'000u);
}

TEST_F(PendingCheckpointTest, TellsWhenEachSubtaskAnsweredFirst) {
  proto::CheckpointAnswer answer = AnswerOf({1});
  answer.add_statistics()->set_vertex(1);
  answer.mutable_statistics(0)->set_index(1);
  answer.mutable_statistics(0)->set_sync_us(9);
  pending_.OnAnswer(answer, absl::Seconds(3));
  pending_.OnAnswer(answer, absl::Seconds(4));
  ASSERT_THAT(pending_.Statistics(), SizeIs(1));
  EXPECT_EQ(pending_.Statistics()[0].end_to_end_us(), 2'000'000);
  EXPECT_EQ(pending_.Statistics()[0].sync_us(), 9);
}

TEST(EmptyPendingCheckpoint, IsCompleteFromTheStart) {
  EXPECT_TRUE(
      PendingCheckpoint(Epoch(0), LeaderTerm(1), false, {}, absl::ZeroDuration()).complete());
}

}  // namespace
}  // namespace weir::jobmanager

#include "taskmanager/task/task_snapshot_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;

TaskSnapshotData Sample() {
  TaskSnapshotData data;
  data.operators.push_back(
      {"source", {{"flights-3", std::string("\0\x01", 2), 77, true, true}}, "", {}});
  data.operators.push_back({"sum", {}, "42", {}});
  data.operators.push_back({"sink", {}, "", {"one", "two"}});
  return data;
}

TEST(TaskSnapshotConversion, SurvivesTheRoundTrip) {
  const auto back = FromProto(ToProto(SubtaskId{VertexId(2), 5}, Sample()));
  ASSERT_TRUE(back.ok()) << back.status();
  const SourceSplit& split = back->Find("source")->splits.at(0);
  EXPECT_EQ(split.id, "flights-3");
  EXPECT_EQ(split.position, std::string("\0\x01", 2));
  EXPECT_EQ(split.watermark_us, 77);
  EXPECT_TRUE(split.finished);
  EXPECT_TRUE(split.idle);
  EXPECT_EQ(back->Find("sum")->state, "42");
  EXPECT_THAT(back->Find("sink")->committables, ElementsAre("one", "two"));
}

TEST(TaskSnapshotConversion, DamagedStateIsDataLoss) {
  proto::TaskSnapshot message = ToProto(SubtaskId{VertexId(2), 5}, Sample());
  message.mutable_operators(1)->mutable_state()->set_inlined("43");
  EXPECT_EQ(FromProto(message).status().code(), absl::StatusCode::kDataLoss);
}

TEST(TaskSnapshotConversion, StateInABlobMustBeLoadedBefore) {
  proto::TaskSnapshot message = ToProto(SubtaskId{VertexId(2), 5}, Sample());
  message.mutable_operators(1)->mutable_state()->clear_inlined();
  message.mutable_operators(1)->mutable_state()->set_blob("blobs/w/1-1");
  EXPECT_EQ(FromProto(message).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weir::taskmanager

#include "taskmanager/worker/uploaded_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::taskmanager {
namespace {

proto::StateObject At(const std::string& blob) {
  proto::StateObject object;
  object.set_blob(blob);
  return object;
}

TEST(UploadedFiles, WhatIsNotOwnedYetIsUploadedAgain) {
  UploadedFiles files;
  files.Add("a.sst", Epoch(3), At("blobs/3-1"));
  EXPECT_FALSE(files.Find("a.sst", Epoch(4)).has_value());
  files.Owned(Epoch(3));
  EXPECT_EQ(files.Find("a.sst", Epoch(4))->blob(), "blobs/3-1");
}

TEST(UploadedFiles, WhatAFailedAttemptWroteIsGone) {
  UploadedFiles files;
  files.Add("a.sst", Epoch(3), At("blobs/3-1"));
  files.Failed(Epoch(3));
  files.Owned(Epoch(4));
  EXPECT_FALSE(files.Find("a.sst", Epoch(5)).has_value());
}

// The upload of attempt 3 hung, and ends when 4 is owned already.
TEST(UploadedFiles, AnUploadThatEndsLateReplacesNothing) {
  UploadedFiles files;
  files.Owned(Epoch(2));
  files.Failed(Epoch(3));
  files.Add("a.sst", Epoch(4), At("blobs/4-1"));
  files.Owned(Epoch(4));
  files.Add("a.sst", Epoch(3), At("blobs/3-1"));
  EXPECT_EQ(files.Find("a.sst", Epoch(5))->blob(), "blobs/4-1");
}

TEST(UploadedFiles, AnUploadThatEndsBeforeItsFailureIsToldReplacesNothing) {
  UploadedFiles files;
  files.Owned(Epoch(2));
  files.Add("a.sst", Epoch(4), At("blobs/4-1"));
  files.Add("a.sst", Epoch(3), At("blobs/3-1"));
  files.Failed(Epoch(3));
  files.Owned(Epoch(4));
  EXPECT_EQ(files.Find("a.sst", Epoch(5))->blob(), "blobs/4-1");
}

TEST(UploadedFiles, AnUploadThatEndsBehindItsFailureIsNotReferredTo) {
  UploadedFiles files;
  files.Owned(Epoch(2));
  files.Failed(Epoch(3));
  files.Add("a.sst", Epoch(3), At("blobs/3-1"));
  files.Owned(Epoch(4));
  EXPECT_FALSE(files.Find("a.sst", Epoch(5)).has_value());
}

TEST(UploadedFiles, NobodyWaitsForAnAttemptThatIsOver) {
  UploadedFiles files;
  files.Owned(Epoch(2));
  files.Failed(Epoch(3));
  EXPECT_TRUE(files.IsOver(Epoch(3)));
  EXPECT_FALSE(files.IsOver(Epoch(4)));
  files.Owned(Epoch(4));
  EXPECT_TRUE(files.IsOver(Epoch(3))) << "not remembered any more";
  EXPECT_FALSE(files.IsOver(Epoch(5)));
}

TEST(UploadedFiles, OfAGenerationThatIsOverNobodyWaits) {
  UploadedFiles files;
  files.Owned(Epoch(2));
  files.Close();
  EXPECT_TRUE(files.IsOver(Epoch(3)));
  EXPECT_FALSE(files.Add("a.sst", Epoch(3), At("blobs/3-1")));
}

// It may be retired with the last checkpoint that has it.
TEST(UploadedFiles, WhatTheNewestOwnedCheckpointHasNotIsForgotten) {
  UploadedFiles files;
  files.Add("old.sst", Epoch(3), At("blobs/3-1"));
  files.Add("kept.sst", Epoch(3), At("blobs/3-2"));
  files.Owned(Epoch(3));
  EXPECT_TRUE(files.Find("kept.sst", Epoch(4)).has_value());
  EXPECT_THAT(files.Owned(Epoch(4)), testing::ElementsAre("old.sst"));
  EXPECT_TRUE(files.Find("kept.sst", Epoch(5)).has_value());
  EXPECT_FALSE(files.Find("old.sst", Epoch(5)).has_value());
}

}  // namespace
}  // namespace weir::taskmanager

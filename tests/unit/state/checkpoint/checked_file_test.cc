#include "state/checkpoint/checked_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string MessageOf(const std::string& contents) {
  return std::string(UnframeChecked(contents, "log/0000000007").status().message());
}

TEST(CheckedFile, GivesBackWhatWasFramed) {
  const std::string payload("a\nb\0c", 5);
  EXPECT_EQ(UnframeChecked(FrameChecked(payload), "file").value(), payload);
}

TEST(CheckedFile, FramesAnEmptyPayload) {
  EXPECT_EQ(UnframeChecked(FrameChecked(""), "file").value(), "");
}

TEST(CheckedFile, AChangedByteIsDataLoss) {
  std::string contents = FrameChecked("payload");
  contents.back() ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(UnframeChecked(contents, "file").status()));
}

TEST(CheckedFile, ACorruptFileIsNamed) {
  std::string contents = FrameChecked("payload");
  contents.back() ^= 1;
  EXPECT_EQ(MessageOf(contents), "log/0000000007 is corrupt: its checksum does not fit");
}

TEST(CheckedFile, ATornFileTellsItsSizes) {
  const std::string contents = FrameChecked("payload");
  EXPECT_EQ(MessageOf(contents.substr(0, contents.size() - 2)),
            "log/0000000007 is corrupt: it holds 5 bytes where 7 were written");
}

TEST(CheckedFile, BytesBehindThePayloadAreRefused) {
  EXPECT_THAT(MessageOf(FrameChecked("payload") + "x"), HasSubstr("holds 8 bytes where 7"));
}

TEST(CheckedFile, AnEmptyFileHasNoHeader) {
  EXPECT_EQ(MessageOf(""), "log/0000000007 is corrupt: it has no header line");
}

TEST(CheckedFile, ForeignBytesAreNoHeader) {
  EXPECT_EQ(MessageOf("hello\nworld"), "log/0000000007 is corrupt: its header line is unknown");
}

}  // namespace
}  // namespace weir

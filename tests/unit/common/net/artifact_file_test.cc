#include "common/net/artifact_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

class ArtifactFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& contents) {
    std::ofstream(directory_.File("f"), std::ios::binary) << contents;
    return directory_.File("f");
  }
  std::string Message(const std::string& path) {
    return std::string(CheckJobBinary(path).message());
  }

  const std::string elf_ =
      "\x7f"
      "ELF";
  const std::string marker_ = std::string("WEIR_JOB_") + "BINARY_V1";
  TemporaryDirectory directory_;
};

TEST_F(ArtifactFileTest, TakesAnElfFileWithTheMarker) {
  EXPECT_TRUE(CheckJobBinary(Write(elf_ + "..." + marker_ + "...")).ok());
}

TEST_F(ArtifactFileTest, FindsAMarkerThatLiesAcrossTwoReads) {
  for (size_t before = (1 << 20) - 20; before <= (1 << 20); ++before) {
    EXPECT_TRUE(CheckJobBinary(Write(elf_ + std::string(before - 4, '.') + marker_)).ok());
  }
}

TEST_F(ArtifactFileTest, RefusesOtherFilesByName) {
  const std::string path = Write(elf_ + std::string(3 << 20, '.'));
  EXPECT_EQ(Message(path), "'" + path + "' is not a Weir job: it was not built with weir::RunJob");
  Write("#!/bin/sh\n# " + marker_);
  EXPECT_EQ(Message(path),
            "'" + path + "' is not a Weir job: it is no executable of this system (ELF)");
  Write("");
  EXPECT_EQ(CheckJobBinary(path).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ArtifactFileTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(Message(directory_.path()),
            "'" + directory_.path() + "' is not a Weir job: it is a directory");
  EXPECT_EQ(CheckJobBinary(directory_.File("none")),
            absl::NotFoundError("there is no file '" + directory_.File("none") + "'"));
}

// Programs that look for the marker must not be taken for jobs.
TEST_F(ArtifactFileTest, RefusesThisVeryProgram) {
  EXPECT_EQ(CheckJobBinary("/proc/self/exe").code(), absl::StatusCode::kInvalidArgument);
}

TEST(ArtifactDigest, Is64LowerCaseHexDigits) {
  EXPECT_TRUE(IsArtifactDigest(std::string(64, 'a')));
  EXPECT_FALSE(IsArtifactDigest(std::string(64, 'A')));
  EXPECT_FALSE(IsArtifactDigest(std::string(63, 'a')));
  EXPECT_FALSE(IsArtifactDigest("../" + std::string(61, 'a')));
}

}  // namespace
}  // namespace weir

#include "state/tiered/local_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class LocalFileTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(LocalFileTest, IsReadAsItWasWritten) {
  const std::string path = directory_.File("file");
  std::string bytes(300'000, 'x');
  bytes[7] = '\0';
  auto writer = *LocalFileWriter::Open(path);
  ASSERT_EQ(writer->Append(bytes), absl::OkStatus());
  ASSERT_EQ(writer->Finish(), absl::OkStatus());
  EXPECT_EQ(*ReadLocalFile(path), bytes);
}

TEST_F(LocalFileTest, AnEmptyFile) {
  const std::string path = directory_.File("file");
  ASSERT_EQ((*LocalFileWriter::Open(path))->Finish(), absl::OkStatus());
  EXPECT_EQ(*ReadLocalFile(path), "");
}

TEST_F(LocalFileTest, OneThatIsNotThere) {
  const absl::Status status = ReadLocalFile(directory_.File("none")).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith(directory_.File("none")));
}

// Every read of a folder fails.
TEST_F(LocalFileTest, AReadErrorIsAStatus) {
  const std::string path = directory_.File("folder");
  std::filesystem::create_directory(path);
  const absl::Status status = ReadLocalFile(path).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith(path));
}

// Linux says that it has a page's size.
TEST_F(LocalFileTest, OneThatEndsBeforeItsSizeIsAnError) {
  const std::string path = "/sys/devices/system/cpu/online";
  std::error_code error;
  if (std::filesystem::file_size(path, error) < 100 || error) GTEST_SKIP() << "no " << path;
  const absl::Status status = ReadLocalFile(path).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("it ends after"));
}

}  // namespace
}  // namespace weir

// What the contract suite (tests/contract/file_system_test.cc) cannot see.
#include "common/io/posix_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::ElementsAre;

class PosixFileSystemTest : public testing::Test {
 protected:
  size_t EntriesOnDisk() const {
    const std::filesystem::directory_iterator entries(directory_.path());
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  TemporaryDirectory directory_;
  SeededRandom random_{1};
  PosixFileSystem files_{random_};
};

TEST_F(PosixFileSystemTest, LeftoverTemporaryFilesAreNotListed) {
  std::ofstream(directory_.File(".tmp-123-abc")) << "torn";
  ASSERT_TRUE(files_.CreateExclusive(directory_.File("a"), "1").ok());
  EXPECT_THAT(files_.List(directory_.path()).value(), ElementsAre("a"));
}

TEST_F(PosixFileSystemTest, LeftoversGoAndTheirFolderWhenItIsEmpty) {
  const std::string folder = directory_.File("worker");
  ASSERT_TRUE(files_.MakeDirectory(folder).ok());
  std::ofstream(folder + "/.tmp-123-abc") << "torn";
  ASSERT_TRUE(files_.CreateExclusive(folder + "/a", "1").ok());
  files_.RemoveLeftovers(folder, absl::InfinitePast());
  EXPECT_TRUE(std::filesystem::exists(folder + "/.tmp-123-abc")) << "may be written just now";
  files_.RemoveLeftovers(folder, absl::InfiniteFuture());
  EXPECT_EQ(files_.Read(folder + "/a").value(), "1");
  EXPECT_FALSE(std::filesystem::exists(folder + "/.tmp-123-abc"));
  ASSERT_TRUE(files_.Remove(folder + "/a").ok());
  files_.RemoveLeftovers(folder, absl::InfinitePast());
  EXPECT_TRUE(std::filesystem::exists(folder)) << "something was in it just now";
  files_.RemoveLeftovers(folder, absl::InfiniteFuture());
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST_F(PosixFileSystemTest, NoTemporaryFileStays) {
  ASSERT_TRUE(files_.CreateExclusive(directory_.File("a"), "1").ok());
  ASSERT_TRUE(files_.Replace(directory_.File("a"), "2").ok());
  ASSERT_FALSE(files_.CreateExclusive(directory_.File("a"), "3").ok());
  std::filesystem::create_directory(directory_.File("d"));
  ASSERT_FALSE(files_.Replace(directory_.File("d"), "4").ok());
  EXPECT_EQ(EntriesOnDisk(), 2u);
}

TEST_F(PosixFileSystemTest, LargeFileIsReadWhole) {
  const std::string contents(3'000'000, 'x');
  ASSERT_TRUE(files_.CreateExclusive(directory_.File("a"), contents).ok());
  EXPECT_EQ(files_.Read(directory_.File("a")).value(), contents);
}

// Files of /proc and the like have size 0.
TEST_F(PosixFileSystemTest, FileThatIsLongerThanItsSizeIsReadWhole) {
  EXPECT_THAT(files_.Read("/proc/self/status").value(), testing::StartsWith("Name:"));
}

TEST(PosixErrorTest, MapsErrnoToCodes) {
  using absl::StatusCode;
  EXPECT_EQ(PosixError("x", "p", EIO).code(), StatusCode::kUnavailable);
  EXPECT_EQ(PosixError("x", "p", ESTALE).code(), StatusCode::kUnavailable);
  EXPECT_EQ(PosixError("x", "p", ETIMEDOUT).code(), StatusCode::kUnavailable);
  EXPECT_EQ(PosixError("x", "p", EINTR).code(), StatusCode::kUnavailable);
  EXPECT_EQ(PosixError("x", "p", ENOSPC).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(PosixError("x", "p", EDQUOT).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(PosixError("x", "p", EACCES).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(PosixError("x", "p", EROFS).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(PosixError("x", "p", EPERM).code(), StatusCode::kPermissionDenied);
}

TEST(PosixErrorTest, NamesActionPathAndCause) {
  EXPECT_EQ(PosixError("write", "/data/a", ENOSPC).message(),
            "cannot write '/data/a': No space left on device");
}

}  // namespace
}  // namespace weir

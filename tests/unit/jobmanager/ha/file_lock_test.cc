#include "jobmanager/ha/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "tests/support/temporary_directory.h"

namespace weir::jobmanager {
namespace {

using ::testing::HasSubstr;

class FileLockTest : public ::testing::Test {
 protected:
  void ExpectRefusal(const TryLockCall& try_lock, const std::string& why) {
    const absl::Status status = CheckFileLock(directory_.path(), random_, try_lock);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(std::string(status.message()),
              absl::StrCat("storage.root cannot be used: ", why, " (checked in '",
                           directory_.path(), "')"));
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  }
  TemporaryDirectory directory_;
  SeededRandom random_{1};
};

TEST_F(FileLockTest, ADiskLocksFilesAndNothingIsLeftOnIt) {
  EXPECT_EQ(CheckFileLock(directory_.path(), random_), absl::OkStatus());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(FileLockTest, AStoreWithoutLocksIsRefusedByName) {
  ExpectRefusal([](int) { return ENOLCK; },
                "it locks no files, so JobManagers cannot elect a leader there: No locks "
                "available");
}

TEST_F(FileLockTest, AStoreThatLocksAFileTwiceIsRefused) {
  ExpectRefusal([](int) { return 0; },
                "it locks a file twice, so JobManagers cannot elect one leader there");
}

TEST_F(FileLockTest, AStoreThatFailsOnWhatIsLockedIsRefused) {
  int tries = 0;
  ExpectRefusal([&](int) { return tries++ == 0 ? 0 : EIO; },
                "a file that is locked cannot be tried: Input/output error");
}

TEST_F(FileLockTest, ADirectoryThatIsNotThereIsNamed) {
  const absl::Status status = CheckFileLock(directory_.path() + "/none", random_);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("storage.root cannot be used: No such file or directory (checked in"));
}

}  // namespace
}  // namespace weir::jobmanager

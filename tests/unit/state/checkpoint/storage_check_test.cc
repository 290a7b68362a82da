#include "state/checkpoint/storage_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/seeded_random.h"
#include "tests/support/testing_file_system.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Call = TestingFileSystem::Call;

/// Creates over what is there: the one thing that checkpoint storage must not do.
class OverwritingFileSystem final : public FileSystem {
 public:
  explicit OverwritingFileSystem(absl::Status answer) : answer_(std::move(answer)) {}
  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override {
    const bool there = memory_.Exists(path);
    if (absl::Status status = memory_.Replace(path, contents); !status.ok()) return status;
    return there ? answer_ : absl::OkStatus();
  }
  absl::Status Replace(absl::string_view path, absl::string_view contents) override {
    return memory_.Replace(path, contents);
  }
  absl::StatusOr<std::string> Read(absl::string_view path) override { return memory_.Read(path); }
  absl::Status Remove(absl::string_view path) override { return memory_.Remove(path); }
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override {
    return memory_.List(directory);
  }
  absl::Status MakeDirectory(absl::string_view directory) override {
    return memory_.MakeDirectory(directory);
  }

 private:
  MemoryFileSystem memory_;
  const absl::Status answer_;  // to a create of what exists
};

TEST(StorageCheck, PassesOnAGoodStore) {
  MemoryFileSystem files;
  SeededRandom random(1);
  EXPECT_EQ(CheckStorage(files, "/store/c", random), absl::OkStatus());
}

TEST(StorageCheck, LeavesNothingBehind) {
  MemoryFileSystem files;
  SeededRandom random(1);
  ASSERT_TRUE(CheckStorage(files, "/store/c", random).ok());
  EXPECT_THAT(files.Paths(), IsEmpty());
}

TEST(StorageCheck, RefusesAStoreThatIgnoresIfAbsent) {
  OverwritingFileSystem files{absl::OkStatus()};
  SeededRandom random(1);
  const absl::Status status = CheckStorage(files, "/store/c", random);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("lets a file be created that exists already (checked in '/store/c')"));
}

TEST(StorageCheck, RefusesAStoreThatOverwritesWhatItSaysExists) {
  OverwritingFileSystem files{absl::AlreadyExistsError("it exists")};
  SeededRandom random(1);
  const absl::Status status = CheckStorage(files, "/store/c", random);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(StorageCheck, NamesADirectoryThatCannotBeMade) {
  TestingFileSystem files;
  files.Inject({Call::kMakeDirectory, absl::PermissionDeniedError("no permission"), "", false, 1});
  SeededRandom random(1);
  const absl::Status status = CheckStorage(files, "/store/c", random);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "storage.root cannot be used: no permission (checked in '/store/c')");
}

TEST(StorageCheck, NamesADirectoryThatCannotBeWritten) {
  TestingFileSystem files;
  files.Inject({Call::kCreate, absl::PermissionDeniedError("read-only"), "", false, 1});
  SeededRandom random(1);
  const absl::Status status = CheckStorage(files, "/store/c", random);
  EXPECT_EQ(std::string(status.message()),
            "storage.root cannot be used: read-only (checked in '/store/c')");
}

TEST(StorageCheck, RefusesAStoreThatCannotReadItsOwnFile) {
  TestingFileSystem files;
  files.Inject({Call::kRead, absl::NotFoundError("not there"), "", false, 1});
  SeededRandom random(1);
  EXPECT_EQ(CheckStorage(files, "/store/c", random).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weir

// Checkpoint storage that fills up.

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Storage on a file system of its own that is filled up by running out of files.
class FullDiskTest : public RecordCopyTest {
 protected:
  void SetUp() override {
    RecordCopyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (mount("tmpfs", disk_.path().c_str(), "tmpfs", 0, "size=256m,nr_inodes=400") != 0) {
      GTEST_SKIP() << "a tmpfs cannot be mounted, which takes root: " << strerror(errno);
    }
    mounted_ = true;
    std::filesystem::create_directory(disk_.File("fill"));
  }
  void TearDown() override {
    RecordCopyTest::TearDown();
    if (!mounted_) return;
    EXPECT_EQ(umount(disk_.path().c_str()), 0) << strerror(errno);
  }
  void Fill() {
    for (int i = 0; i < 400; ++i) {
      if (!std::ofstream(absl::StrCat(disk_.File("fill"), "/", i))) return;
    }
    FAIL() << "the disk is not full";
  }
  void MakeRoom() { std::filesystem::remove_all(disk_.File("fill")); }

  TemporaryDirectory disk_;

 private:
  bool mounted_ = false;
};

TEST_F(FullDiskTest, CheckpointsFailByNameTheJobGoesOnAndSoDoCheckpointsWhenThereIsRoom) {
  WeirClusterOptions options;
  options.task_managers = 1;
  options.storage_root = disk_.path();
  StartCluster(options);
  Produce(0, 10);
  WeirJob copy = RecordCopy({});
  copy.options["checkpoint.interval"] = "500ms";
  const auto job = weir().Submit(copy);
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(*job, 1) > 0; }));
  Fill();
  std::string listed;
  ASSERT_TRUE(AwaitTrue([&] {
    listed = weir().Cli({"checkpoint", "list", *job}).value_or(ProcessResult()).standard_output;
    return listed.find("FAILED") != std::string::npos;
  }));
  EXPECT_THAT(listed, AllOf(HasSubstr("cannot be written: cannot create '"),
                            HasSubstr(disk_.path()), HasSubstr("No space left on device")));
  Produce(10, 10);
  EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= 20; })) << "records stand still";
  EXPECT_EQ(Summary(*job).state(), "RUNNING");
  EXPECT_EQ(Summary(*job).restarts(), 0u);
  MakeRoom();
  const size_t before = CheckpointsOf(*job, 1);
  EXPECT_TRUE(AwaitTrue([&] { return CheckpointsOf(*job, 1) > before; }));
}

TEST_F(FullDiskTest, ASubmissionThatDoesNotFitIsOneSentence) {
  WeirClusterOptions options;
  options.task_managers = 1;
  options.storage_root = disk_.path();
  StartCluster(options);
  Fill();
  const auto submit = weir().Cli(WeirCluster::SubmitArguments(RecordCopy({})), absl::Seconds(20));
  WEIR_ASSERT_OK(submit);
  EXPECT_EQ(submit->exit_status, 1);
  EXPECT_THAT(submit->standard_error, AllOf(HasSubstr("cannot "), HasSubstr(disk_.path()),
                                            HasSubstr("No space left on device")));
  MakeRoom();
  WEIR_ASSERT_OK(weir().Submit(RecordCopy({})));
}

}  // namespace
}  // namespace weir

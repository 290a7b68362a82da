// Files of checkpoint storage that are damaged on the disk: an entry of a job's log, and a
// checkpoint's manifest.

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void Overwrite(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

/// One byte of a file is another one, until it is put back.
class Damage {
 public:
  explicit Damage(std::string path) : path_(std::move(path)), before_(Contents(path_)) {
    std::string after = before_;
    EXPECT_FALSE(after.empty()) << path_;
    if (!after.empty()) after[after.size() / 2] ^= 1;
    Overwrite(path_, after);
  }
  void PutBack() { Overwrite(path_, before_); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const std::string before_;
};

class CorruptStorageTest : public RecordCopyTest {
 protected:
  void StartOneTaskManager() {
    WeirClusterOptions options;
    options.task_managers = 1;
    StartCluster(options);
  }
  std::string JobDirectory(const std::string& job) {
    return absl::StrCat(weir().storage_root(), "/e2e/jobs/", job);
  }
  /// The file of a folder that was written last.
  static std::string Newest(const std::string& folder) {
    std::vector<std::filesystem::directory_entry> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      files.push_back(entry);
    }
    EXPECT_FALSE(files.empty()) << folder << ": " << error.message();
    if (files.empty()) return "";
    return std::max_element(files.begin(), files.end(),
                            [](const auto& a, const auto& b) {
                              return a.last_write_time() < b.last_write_time();
                            })
        ->path();
  }
  std::string Listed() {
    return weir().Cli({"list", "-o", "wide"}).value_or(ProcessResult()).standard_output;
  }
};

TEST_F(CorruptStorageTest, ADamagedLogKeepsOneJobFromBeingTakenOverAndNamesTheFile) {
  StartOneTaskManager();
  const auto damaged = weir().Submit(RecordCopy({"--group=damaged"}));
  WEIR_ASSERT_OK(damaged);
  const auto other = weir().Submit(RecordCopy({"--group=other"}));
  WEIR_ASSERT_OK(other);
  ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(*damaged, 1) > 0; }));
  const auto details = Describe(*damaged);
  WEIR_ASSERT_OK(details);
  const auto worker = static_cast<pid_t>(details->workers(0).pid());
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  Damage damage(Newest(JobDirectory(*damaged) + "/log"));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  ASSERT_TRUE(AwaitState(*other, "RUNNING"));
  EXPECT_THAT(Listed(),
              AllOf(HasSubstr("UNREADABLE"), HasSubstr(damage.path()), HasSubstr("is corrupt")));
  const auto cancel = weir().Cli({"cancel", *damaged});
  WEIR_ASSERT_OK(cancel);
  EXPECT_EQ(cancel->exit_status, 4);
  EXPECT_THAT(cancel->standard_error,
              HasSubstr(absl::StrCat("job ", *damaged, " cannot be taken over: ", damage.path(),
                                     " is corrupt: ")));
  EXPECT_TRUE(AwaitTrue([&] { return kill(worker, 0) != 0; })) << "it works without a leader";
  // Who has no backup goes on with a new job.
  const auto anew = weir().Submit(RecordCopy({"--group=damaged"}));
  WEIR_ASSERT_OK(anew);

  WEIR_ASSERT_OK(weir().KillJobManager(1));
  damage.PutBack();
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  EXPECT_TRUE(AwaitState(*damaged, "RUNNING"));
  EXPECT_TRUE(AwaitState(*other, "RUNNING"));
}

// As many partitions as make a manifest too large for the log.
TEST_F(CorruptStorageTest, ADamagedManifestSuspendsTheJobAndNamesTheFile) {
  StartOneTaskManager();
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("many"), 1500));
  WeirJob copy = RecordCopy({});
  copy.arguments[1] = absl::StrCat("--input=", TopicName("many"));
  const auto job = weir().Submit(copy);
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitTrue([&] { return CheckpointsOf(*job, 1) > 0; }));
  const auto suspended = weir().Cli({"suspend", *job, "--wait"});
  WEIR_ASSERT_OK(suspended);
  ASSERT_EQ(suspended->exit_status, 0) << suspended->standard_error;

  Damage damage(Newest(JobDirectory(*job) + "/manifests"));
  weir().Cli({"resume", *job}).IgnoreError();
  ASSERT_TRUE(AwaitTrue([&] {
    return Summary(*job).state() == "SUSPENDED" &&
           Summary(*job).reason().find("corrupt") != std::string::npos;
  })) << Summary(*job).ShortDebugString();
  EXPECT_THAT(Summary(*job).reason(),
              AllOf(HasSubstr(absl::StrCat("the newest checkpoint cannot be restored: manifest ",
                                           damage.path(), " of epoch ")),
                    HasSubstr(" is corrupt: its checksum differs")));
  damage.PutBack();
  const auto resumed = weir().Cli({"resume", *job});
  WEIR_ASSERT_OK(resumed);
  EXPECT_TRUE(AwaitState(*job, "RUNNING"));
}

}  // namespace
}  // namespace weir

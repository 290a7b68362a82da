#include "taskmanager/local_state/state_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/time/time.h"

#include "common/time/system_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

using testing::UnorderedElementsAre;

constexpr absl::Duration kAge = absl::Minutes(5);

class StateFoldersTest : public testing::Test {
 protected:
  std::string Make(const std::string& worker, const std::string& file) {
    const std::string path = StateFolderOf(directory_.path(), "job", worker) + "/" + file;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << "state";
    return path;
  }
  void Clean(const std::set<std::string>& ended, absl::Duration later = absl::ZeroDuration()) {
    CleanStateFolders(directory_.path(), ended, kAge, SystemClock().Now() + later);
  }
  static bool Exists(const std::string& path) { return std::filesystem::exists(path); }

  TemporaryDirectory directory_;
};

TEST_F(StateFoldersTest, OnlyCopiesOutliveAWorker) {
  const std::string state = Make("w1", "1/base/000012.sst");
  const std::string copy = Make("w1", "copies/ab");
  const std::string running = Make("w2", "1/base/000012.sst");
  Clean({"w1"});
  EXPECT_FALSE(Exists(state));
  EXPECT_TRUE(Exists(copy));
  EXPECT_TRUE(Exists(running));
}

TEST_F(StateFoldersTest, CopiesGoWhenTheyAreOld) {
  const std::string copy = Make("w1", "copies/ab");
  Clean({"w1"});
  Clean({"w1"}, kAge - absl::Seconds(10));
  EXPECT_TRUE(Exists(copy));
  Clean({"w1"}, kAge + absl::Seconds(10));
  EXPECT_FALSE(Exists(directory_.path() + "/job"));
}

TEST_F(StateFoldersTest, AFolderWithoutCopiesGoesAtOnce) {
  Make("w1", "1/base/000012.sst");
  std::filesystem::create_directories(
      CopiesFolderOf(StateFolderOf(directory_.path(), "job", "w1")));
  Clean({"w1"});
  EXPECT_FALSE(Exists(directory_.path() + "/job"));
}

TEST_F(StateFoldersTest, WorkersAreFoundByTheirFolders) {
  Make("w1", "copies/ab");
  Make("w2", "1/x");
  EXPECT_THAT(WorkersWithStateFolders(directory_.path()), UnorderedElementsAre("w1", "w2"));
  EXPECT_THAT(WorkersWithStateFolders(directory_.path() + "/none"), testing::IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager

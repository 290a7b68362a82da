// What `weir checkpoint describe` says of a job with keyed state in RocksDB, how little a later
// checkpoint writes, and where a restore takes the files from (event_profiles.cc).

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "tests/e2e/profile_job.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int64_t kKeys = 40'000;
constexpr int64_t kBytes = 400;
constexpr uint64_t kStateBytes = kKeys * kBytes;
constexpr uint64_t kFew = kStateBytes / 20;

class CheckpointDetailsTest : public ProfileJobTest {
 protected:
  void FeedAndAwait(int64_t step) {
    FeedKeys(0, kKeys, step);
    AwaitConsumed();
  }
  uint64_t Latest() { return Details().checkpoints().latest_epoch(); }
  /// Empty when it is not among the newest any more, or was a former leader's.
  nlohmann::json DescribeCheckpoint(uint64_t epoch) {
    const auto described = weir().CliJson({"checkpoint", "describe", job_, absl::StrCat(epoch)});
    EXPECT_TRUE(described.ok()) << described.status();
    return described.value_or(nlohmann::json());
  }
  static uint64_t Sum(const nlohmann::json& checkpoint, const std::string& field) {
    uint64_t sum = 0;
    for (const nlohmann::json& one : checkpoint["subtasks"]) sum += one[field].get<uint64_t>();
    return sum;
  }
  /// Of a field of the lines in which workers say what they have restored in this generation.
  uint64_t Restored(uint64_t generation, const std::string& field) {
    const auto log = weir().Cli({"logs", job_, "--tail=all"});
    EXPECT_TRUE(log.ok()) << log.status();
    uint64_t sum = 0;
    if (!log.ok()) return sum;
    for (const absl::string_view line : absl::StrSplit(log->standard_output, '\n')) {
      if (!absl::StrContains(line, "files of keyed state are here") ||
          !absl::StrContains(line, absl::StrCat(" generation=", generation, " "))) {
        continue;
      }
      for (const absl::string_view word : absl::StrSplit(line, ' ')) {
        const std::vector<absl::string_view> parts = absl::StrSplit(word, '=');
        uint64_t bytes = 0;
        if (parts.front() == field && absl::SimpleAtoi(parts.back(), &bytes)) sum += bytes;
      }
    }
    return sum;
  }
  /// Every subtask says what it did.
  void ExpectDetails(uint64_t epoch) {
    const nlohmann::json before = DescribeCheckpoint(epoch);
    ASSERT_THAT(before["subtasks"], SizeIs(2 * kPartitions)) << before;
    EXPECT_GE(Sum(before, "state_bytes"), kStateBytes) << "no compression makes it smaller";
    EXPECT_EQ(Sum(before, "state_bytes"), before["state_bytes"].get<uint64_t>());
    int64_t alignment_us = 0;
    for (const nlohmann::json& one : before["subtasks"]) {
      const bool source = one["name"] == "events";
      EXPECT_GT(one["end_to_end_us"], 0) << one;
      for (const char* part : {"alignment_us", "sync_us", "prepare_us", "async_us"}) {
        EXPECT_GE(one[part], 0) << one;
        EXPECT_LE(one[part], one["end_to_end_us"].get<int64_t>() + 1'000) << part << one;
      }
      EXPECT_GT(one["sync_us"], 0) << one;
      EXPECT_GT(one["async_us"], 0) << one;
      if (source) {
        EXPECT_EQ(one["alignment_us"], 0) << one;
      } else {
        EXPECT_GE(one["state_bytes"], kStateBytes / kPartitions * 8 / 10) << one;
      }
      alignment_us += one["alignment_us"].get<int64_t>();
    }
    EXPECT_GT(alignment_us, 0);
    const auto table = weir().Cli({"checkpoint", "describe", job_, absl::StrCat(epoch)});
    WEIR_ASSERT_OK(table);
    EXPECT_THAT(table->standard_output,
                AllOf(HasSubstr("ALIGNMENT"), HasSubstr("SYNC"), HasSubstr("ASYNC"),
                      HasSubstr("WRITTEN"), HasSubstr("profiles -> visits")));
  }
  uint64_t Generation() { return Details().summary().generation(); }
};

TEST_F(CheckpointDetailsTest, IncrementsAreSmallAndARestoreTakesTheLocalCopies) {
  ASSERT_NO_FATAL_FAILURE(StartCluster(2, 2));
  WeirJob job = OnRocksDb(EventJob("event_profiles"), "4mb");
  job.arguments.push_back(absl::StrCat("--bytes=", kBytes));
  Submit(job);
  FeedAndAwait(1);
  // RocksDB may still merge what it has got.
  ASSERT_TRUE(AwaitTrue([&] {
    const nlohmann::json checkpoint = DescribeCheckpoint(Latest());
    return Sum(checkpoint, "written_bytes") < kFew / 4;
  }));

  const uint64_t quiet = Latest();
  ASSERT_NO_FATAL_FAILURE(ExpectDetails(quiet));

  // What 40 keys change is all that is written.
  FeedAndAwait(kKeys / 40);
  uint64_t written = 0;
  for (uint64_t epoch = quiet + 1; epoch <= Latest(); ++epoch) {
    written += Sum(DescribeCheckpoint(epoch), "written_bytes");
  }
  EXPECT_GE(written, 40 * static_cast<uint64_t>(kBytes));
  EXPECT_LT(written, kFew);

  // The disks have it all, also what the killed worker had.
  KillWorker(0);
  EXPECT_GE(Restored(Generation(), "local_bytes"), kStateBytes);
  EXPECT_LT(Restored(Generation(), "fetched_bytes"), kFew);
  FeedAndAwait(8);
  // A TaskManager whose disk is lost: its half comes from the storage.
  const uint64_t generation = Generation();
  WEIR_ASSERT_OK(weir().KillTaskManager(2));
  ASSERT_TRUE(AwaitTrue(
      [&] { return Details().summary().generation() > generation || StateOf(job_) != "RUNNING"; }));
  std::filesystem::remove_all(weir().directory().File(WeirCluster::TaskManagerName(2)));
  WEIR_ASSERT_OK(weir().StartTaskManager(2));
  AwaitRecovery(generation);
  EXPECT_GE(Restored(Generation(), "local_bytes"), kStateBytes / 4);
  EXPECT_GE(Restored(Generation(), "fetched_bytes"), kStateBytes / 4);

  FeedAndAwait(4);
  StopJob();
  ExpectAllVisits();
}

}  // namespace
}  // namespace weir

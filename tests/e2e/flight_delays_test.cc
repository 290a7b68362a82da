// Four partitions over two TaskManagers, and what Java's tools see of the job.

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::SizeIs;

class FlightDelaysTest : public FlightStreamTest {
 protected:
  void StartParallelJob() {
    WeirJob job = FlightDelays();
    job.arguments.push_back("--parallelism=4");
    StartStream(job);
  }

  /// TaskManager (by number) -> the splits that are read there.
  std::map<int, std::multiset<std::string>> SplitsByTaskManager() {
    const proto::JobDetails details = Details();
    const std::map<std::string, int> numbers = TaskManagerNumbers();
    std::map<std::string, int> workers;
    for (const proto::WorkerDetails& worker : details.workers()) {
      workers[worker.worker()] = numbers.at(worker.task_manager());
    }
    std::map<int, std::multiset<std::string>> splits;
    for (const proto::TaskDetails& task : details.tasks()) {
      for (const std::string& split : task.splits()) splits[workers[task.worker()]].insert(split);
    }
    return splits;
  }

  /// What `kafka-consumer-groups --describe` says is committed for a partition of the input.
  std::map<int, int64_t> CommittedOffsets() {
    const absl::StatusOr<std::string> text =
        cluster().RunTool("groups", {"--describe", "--group", "flight-delays"});
    EXPECT_TRUE(text.ok()) << text.status();
    std::map<int, int64_t> offsets;
    for (const absl::string_view line : absl::StrSplit(text.value_or(""), '\n')) {
      const std::vector<std::string> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
      int partition = 0;
      int64_t offset = 0;
      if (fields.size() > 4 && fields[1] == TopicName("input") &&
          absl::SimpleAtoi(fields[2], &partition) && absl::SimpleAtoi(fields[3], &offset)) {
        offsets[partition] = offset;
      }
    }
    return offsets;
  }
};

TEST_F(FlightDelaysTest, PartitionsAreSpreadEvenlyAndStayOverRestarts) {
  StartCluster();
  StartParallelJob();
  AwaitFlow();
  const auto splits = SplitsByTaskManager();
  ASSERT_THAT(splits, SizeIs(2));
  EXPECT_THAT(splits.at(1), SizeIs(2));
  EXPECT_THAT(splits.at(2), SizeIs(2));
  const uint64_t before = Generation();
  const std::vector<pid_t> workers = Workers();
  ASSERT_THAT(workers, SizeIs(2));
  WEIR_ASSERT_OK(KillAndAwaitEnd(workers[0], absl::Seconds(10)));
  AwaitRecovery(before);
  EXPECT_EQ(SplitsByTaskManager(), splits);
  const uint64_t second = Generation();
  WEIR_ASSERT_OK(weir().KillJobManager(1));
  WEIR_ASSERT_OK(weir().StartJobManager(1));
  AwaitRecovery(second);
  EXPECT_EQ(SplitsByTaskManager(), splits);
  ExpectNothingLost();
}

TEST_F(FlightDelaysTest, OffsetsReachTheGroupAfterCheckpoints) {
  StartCluster();
  StartStream(FlightDelays());
  AwaitFlow();
  ExpectNothingLost();
  const auto ends = cluster().EndOffsets(TopicName("input"));
  WEIR_ASSERT_OK(ends);
  std::map<int, int64_t> committed;
  EXPECT_TRUE(AwaitTrue([&] {
    committed = CommittedOffsets();
    return committed == std::map<int, int64_t>(ends->begin(), ends->end());
  })) << testing::PrintToString(committed)
      << " instead of " << testing::PrintToString(*ends);
}

TEST_F(FlightDelaysTest, StopFinishesWithALastCheckpoint) {
  StartCluster();
  StartStream(FlightDelays());
  AwaitFlow();
  const auto stopped = weir().CliJson({"stop", job(), "--wait"});
  WEIR_ASSERT_OK(stopped);
  EXPECT_EQ((*stopped)["state"], "FINISHED") << *stopped;
  const auto checkpoints = weir().CliJson({"checkpoint", "list", job()});
  WEIR_ASSERT_OK(checkpoints);
  EXPECT_GT((*checkpoints)["completed"].get<int>(), 2) << *checkpoints;
  EXPECT_EQ((*checkpoints)["checkpoints"][0]["epoch"], (*checkpoints)["latest_epoch"]);
  // Nobody needs the checkpoints of a job that has finished.
  EXPECT_EQ((*checkpoints)["checkpoints"][0]["state"], "RETIRED");
  // What the job has read up to its end is committed, and it has written all of it.
  EXPECT_TRUE(AwaitTrue([&] { return weir().Processes().size() == 3; }))
      << "the worker of a finished job lives on";
}

}  // namespace
}  // namespace weir

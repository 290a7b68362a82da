// Keyed streams whose records go from worker to worker, with state and timers, while processes die
// (examples/late_routes).

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/keyed_job.h"
#include "tests/e2e/late_routes_oracle.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::SizeIs;

constexpr size_t kFlights = 30'000;

class KeyedStreamTest : public KeyedJobTest {
 protected:
  /// Exactly what the flights say, once each.
  void ExpectAllAlerts() {
    const std::vector<std::string> expected = LateRoutes(flights_);
    ASSERT_GT(expected.size(), 100u);
    AwaitOutput(expected.size());
    StopJob();
    std::vector<std::string> alerts;
    for (const auto& [key, value] : Output(absl::Seconds(2))) {
      alerts.push_back(nlohmann::json::parse(value).dump());
    }
    std::sort(alerts.begin(), alerts.end());
    EXPECT_THAT(alerts, ElementsAreArray(expected));
  }
};

TEST_F(KeyedStreamTest, OverThreeWorkersItSaysWhatTheFlightsSay) {
  StartWith(kFlights);
  Submit(JobOf("late_routes"));
  EXPECT_THAT(Details().workers(), SizeIs(3));
  FeedAll();
  ExpectAllAlerts();
}

TEST_F(KeyedStreamTest, WorkersAndATaskManagerAreKilledInTheMiddle) {
  StartWith(kFlights);
  Submit(JobOf("late_routes"));
  for (int which = 0; which < 3; ++which) {
    Feed(6);
    KillWorker(which);
  }
  Feed(4);
  const uint64_t generation = Details().summary().generation();
  WEIR_ASSERT_OK(weir().KillTaskManager(2));
  AwaitRecovery(generation);
  EXPECT_THAT(Details().workers(), SizeIs(2));
  WEIR_ASSERT_OK(weir().StartTaskManager(2));
  FeedAll();
  ExpectAllAlerts();
}

// Most of the state is in RocksDB, and checkpoints are increments. What the killed worker had
// uploaded lies on its TaskManager's disk, too.
TEST_F(KeyedStreamTest, WithStateInRocksDbWorkersAreKilledInTheMiddle) {
  StartWith(kFlights);
  Submit(OnRocksDb(JobOf("late_routes")));
  for (int which = 0; which < 3; ++which) {
    Feed(6);
    AwaitCheckpoints();
    KillWorker(which);
  }
  FeedAll();
  ExpectAllAlerts();
  const auto log = weir().Cli({"logs", job_});
  WEIR_ASSERT_OK(log);
  EXPECT_THAT(log->standard_output, testing::ContainsRegex("local_bytes=[1-9]"));
}

// From four subtasks to two, and to three: each has key groups of several. What was read behind the
// checkpoint is read again, and nothing of it was committed.
TEST_F(KeyedStreamTest, AJobStartsFromACheckpointOfAnotherParallelism) {
  StartWith(kFlights);
  for (const int parallelism : {4, 2, 3}) {
    WeirJob job = OnRocksDb(JobOf("late_routes", parallelism));
    job.options["checkpoint.retention"] = "retain-on-cancellation";
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(job);
    if (!job_.empty()) {
      WEIR_ASSERT_OK(weir().CliJson({"cancel", job_, "--wait"}));
      arguments.insert(arguments.begin() + 1, {absl::StrCat("--from=", job_), "--wait"});
      const auto submitted = weir().CliJson(arguments);
      WEIR_ASSERT_OK(submitted);
      job_ = (*submitted)["job_id"].get<std::string>();
    } else {
      Submit(job);
    }
    Feed(10);
    AwaitCheckpoints();
  }
  ExpectAllAlerts();
}
}  // namespace
}  // namespace weir

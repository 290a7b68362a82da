// Windows that are open when a job is suspended, and windows that have fired, at one subtask, three
// and two, with their state in RocksDB (event_windows.cc).

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::ElementsAreArray;

constexpr int64_t kWindowMs = 40'000;
constexpr int64_t kBoundMs = 30'000;
constexpr int64_t kStageMs = 200'000;
constexpr size_t kEvents = 8'000;  // of a stage
constexpr size_t kLate = 200;

class RescaledWindowsTest : public EventJobTest {
 protected:
  WeirJob Job(int parallelism) {
    WeirJob job = OnRocksDb(EventJob("event_windows", parallelism));
    job.options["checkpoint.retention"] = "retain-on-cancellation";
    job.arguments.insert(job.arguments.end(), {absl::StrCat("--size=", kWindowMs, "ms"),
                                               absl::StrCat("--bound=", kBoundMs, "ms"),
                                               absl::StrCat("--late-output=", TopicName("late"))});
    return job;
  }
  /// Suspends the job and lets a new one go on from there, with another parallelism.
  void GoOnWith(int parallelism) {
    WEIR_ASSERT_OK(weir().CliJson({"suspend", job_, "--wait"}));
    WEIR_ASSERT_OK(weir().CliJson({"cancel", job_, "--wait"}));
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(Job(parallelism));
    arguments.insert(arguments.begin() + 1, absl::StrCat("--from=", job_));
    const auto submitted = weir().CliJson(arguments);
    WEIR_ASSERT_OK(submitted);
    job_ = (*submitted)["job_id"].get<std::string>();
  }
  void FeedStage(int stage) {
    const std::vector<TestEvent> events = MakeEvents(stage * kStageMs, kStageMs, kEvents, 100);
    Feed(events);
    all_.insert(all_.end(), events.begin(), events.end());
  }
  /// Events of the first windows of all, which have fired.
  void FeedLate() {
    const std::vector<TestEvent> events = MakeEvents(0, 2 * kWindowMs, kLate, 100);
    Feed(events);
    for (const TestEvent& event : events) late_.push_back(event.Line());
  }

  std::vector<TestEvent> all_;
  std::vector<std::string> late_;
};

TEST_F(RescaledWindowsTest, NoWindowIsLostAndNoneFiresTwice) {
  ASSERT_NO_FATAL_FAILURE(StartCluster(3, 4));
  CreateTopic("late");
  Submit(Job(1));
  FeedStage(0);
  AwaitConsumed();
  ASSERT_NO_FATAL_FAILURE(GoOnWith(3));
  // The very first that the new subtasks see.
  FeedLate();
  FeedStage(1);
  KillWorker(1);
  AwaitConsumed();
  ASSERT_NO_FATAL_FAILURE(GoOnWith(2));
  FeedLate();
  FeedStage(2);
  const int64_t at = 3 * kStageMs + kWindowMs + kBoundMs;
  Feed(MakeTicks(at));
  const std::vector<std::string> expected = TumblingCounts(all_, kWindowMs);
  ASSERT_GT(expected.size(), 1'000u);
  AwaitCommitted("output", expected.size());
  StopJob();
  EXPECT_THAT(WindowLines(), ElementsAreArray(expected));
  std::sort(late_.begin(), late_.end());
  EXPECT_THAT(EventLines("late"), ElementsAreArray(late_));
}

}  // namespace
}  // namespace weir

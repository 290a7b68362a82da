// An input that ends: all windows come out, those that are open at the end, too, and what the sink
// wrote last is committed; some partitions end long before the others (event_windows.cc).

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr int64_t kWindowMs = 10'000;
constexpr size_t kEvents = 40'000;

class BoundedWindowsTest : public EventJobTest {};

TEST_F(BoundedWindowsTest, AWorkerIsKilledOnTheWayToTheEnd) {
  ASSERT_NO_FATAL_FAILURE(StartCluster(2, 2));
  CreateTopic("late");
  std::vector<TestEvent> events = MakeEvents(0, 600'000, kEvents, 50);
  // Partition 0 ends at once, and 3 is empty.
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].partition = i % 200 == 0 ? 0 : 1 + static_cast<int32_t>(i % 2);
  }
  Feed(events);
  WeirJob job = EventJob("event_windows");
  job.arguments.insert(job.arguments.end(),
                       {"--bounded=true", "--pause=100us", absl::StrCat("--size=", kWindowMs, "ms"),
                        absl::StrCat("--late-output=", TopicName("late"))});
  Submit(job);
  const auto finished_tasks = [&] {
    int finished = 0;
    for (const proto::TaskDetails& task : Details().tasks()) {
      finished += task.state() == "FINISHED" ? 1 : 0;
    }
    return finished;
  };
  ASSERT_TRUE(AwaitTrue([&] { return Consumed() > 2'000 && finished_tasks() >= 2; }))
      << "the subtasks of short partitions end before the others: " << Consumed() << " "
      << Details().ShortDebugString();
  KillWorker(0);
  ASSERT_LT(Consumed(), static_cast<int64_t>(kEvents)) << "it was too fast to be killed";
  ASSERT_TRUE(AwaitTrue([&] { return StateOf(job_) == "FINISHED"; }, absl::Seconds(60)))
      << Details().ShortDebugString();
  EXPECT_EQ(Details().summary().restarts(), 1u);

  const std::vector<std::string> expected = TumblingCounts(events, kWindowMs);
  ASSERT_GT(expected.size(), 2'000u);
  EXPECT_THAT(WindowLines(), ElementsAreArray(expected));
  EXPECT_THAT(EventLines("late"), IsEmpty());
  auto inspection = SinkInspection::Connect(cluster().bootstrap_servers(), TopicName("output"),
                                            absl::StrCat(TopicName("prefix"), "-counts"));
  WEIR_ASSERT_OK(inspection);
  const auto open = (*inspection)->Open();
  WEIR_ASSERT_OK(open);
  EXPECT_THAT(*open, IsEmpty()) << "transactions";
}

}  // namespace
}  // namespace weir

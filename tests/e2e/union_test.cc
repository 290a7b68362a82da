// Events of two topics in one window, through operators of two, three and four subtasks, while
// workers are killed (event_windows.cc with --second-input).

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr int64_t kWindowMs = 20'000;
constexpr int64_t kBoundMs = 30'000;
constexpr int64_t kMark = 1'000'000'000;  // what the job adds to the ids of the first topic

class UnionTest : public EventJobTest {
 protected:
  /// Half of them into the first topic, marked as the job does it.
  void FeedBoth(const std::vector<TestEvent>& events) {
    std::vector<TestEvent> first;
    std::vector<TestEvent> second;
    for (const TestEvent& event : events) {
      (event.id % 2 == 0 ? first : second).push_back(event);
      all_.push_back(event);
      if (event.id % 2 == 0) all_.back().id += kMark;
    }
    Feed(first);
    Feed(second, "second");
  }

  std::vector<TestEvent> all_;
};

TEST_F(UnionTest, TwoTopicsAndUnequalParallelism) {
  ASSERT_NO_FATAL_FAILURE(StartCluster(2, 2));
  CreateTopic("second", 3);
  CreateTopic("late");
  WeirJob job = EventJob("event_windows");
  job.arguments.insert(job.arguments.end(), {absl::StrCat("--second-input=", TopicName("second")),
                                             absl::StrCat("--size=", kWindowMs, "ms"),
                                             absl::StrCat("--bound=", kBoundMs, "ms"),
                                             absl::StrCat("--late-output=", TopicName("late"))});
  Submit(job);
  std::map<std::string, int> parallelism;
  for (const proto::TaskDetails& task : Details().tasks()) ++parallelism[task.name()];
  std::vector<int> subtasks;
  for (const auto& [name, count] : parallelism) subtasks.push_back(count);
  EXPECT_THAT(subtasks, testing::UnorderedElementsAre(2, 3, 3, 4, 2, 4))
      << Details().ShortDebugString();

  for (int round = 0; round < 3; ++round) {
    FeedBoth(MakeEvents(round * 100'000, 100'000, 6'000, 60));
    if (round < 2) KillWorker(round);
  }
  const int64_t at = 400'000;
  Feed(MakeTicks(at));
  Feed(MakeTicks(at, {0, 1, 2}), "second");
  const std::vector<std::string> expected = TumblingCounts(all_, kWindowMs);
  ASSERT_GT(expected.size(), 500u);
  AwaitCommitted("output", expected.size());
  StopJob();
  EXPECT_THAT(WindowLines(), ElementsAreArray(expected));
  EXPECT_THAT(EventLines("late"), IsEmpty());
}

}  // namespace
}  // namespace weir

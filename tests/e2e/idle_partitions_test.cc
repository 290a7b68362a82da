// Partitions without records: a time without, or for ever. Windows fire all the same, also after a
// worker was killed, and what a partition brings when it is back counts or is late
// (event_windows.cc).

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::ElementsAreArray;

constexpr int64_t kWindowMs = 10'000;
constexpr int64_t kSpanMs = 60'000;
// More than a phase of events is long, so that no order between partitions makes any late, even if
// one was taken for idle because this machine stood still.
constexpr int64_t kBoundMs = 100'000;
constexpr int64_t kPhaseMs = 300'000;
constexpr int64_t kTickMs = 200'000;

class IdlePartitionsTest : public EventJobTest {
 protected:
  void Start(const std::string& idle) {
    ASSERT_NO_FATAL_FAILURE(StartCluster(2, 2));
    CreateTopic("late");
    WeirJob job = EventJob("event_windows");
    job.arguments.insert(job.arguments.end(), {absl::StrCat("--size=", kWindowMs, "ms"),
                                               absl::StrCat("--bound=", kBoundMs, "ms"), idle,
                                               absl::StrCat("--late-output=", TopicName("late"))});
    Submit(job);
  }
  /// Events of the phase in these partitions only, read by a completed checkpoint.
  void FeedPhase(int phase, const std::vector<int32_t>& partitions) {
    std::vector<TestEvent> events = MakeEvents(phase * kPhaseMs, kSpanMs, 3'000, 50);
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].partition = partitions[i % partitions.size()];
    }
    Feed(events);
    in_time_.insert(in_time_.end(), events.begin(), events.end());
    AwaitConsumed();
  }
  /// Time passes the phase in these partitions, and its windows fire.
  void PassPhase(int phase, const std::vector<int32_t>& partitions) {
    const int64_t at = phase * kPhaseMs + kTickMs;
    const std::vector<TestEvent> ticks = MakeTicks(at, partitions);
    Feed(ticks);
    in_time_.insert(in_time_.end(), ticks.begin(), ticks.end());
    until_ms_ = at - kBoundMs;
    AwaitCommitted("output", Expected().size());
  }
  std::vector<std::string> Expected() const {
    return TumblingCounts(in_time_, kWindowMs, until_ms_);
  }

  std::vector<TestEvent> in_time_;
  int64_t until_ms_ = 0;
};

TEST_F(IdlePartitionsTest, WindowsFireWithoutThemAlsoAfterAWorkerWasKilled) {
  ASSERT_NO_FATAL_FAILURE(Start("--idle=1s"));
  // Partition 3 never has a record.
  FeedPhase(0, {0, 1, 2});
  ASSERT_NO_FATAL_FAILURE(PassPhase(0, {0, 1, 2}));
  // Partition 2 is silent for two phases. What it had said is a watermark far behind.
  FeedPhase(1, {0, 1});
  KillWorker(0);
  ASSERT_NO_FATAL_FAILURE(PassPhase(1, {0, 1}));
  FeedPhase(2, {0, 1});
  KillWorker(1);
  ASSERT_NO_FATAL_FAILURE(PassPhase(2, {0, 1}));

  // It is back, with events of windows that have fired, and with such that have not.
  std::vector<TestEvent> late = MakeEvents(1 * kPhaseMs, kSpanMs, 100, 50);
  for (TestEvent& event : late) event.partition = 2;
  Feed(late);
  ASSERT_NO_FATAL_FAILURE(AwaitCommitted("late", late.size()));
  FeedPhase(3, {0, 1, 2});
  ASSERT_NO_FATAL_FAILURE(PassPhase(3, {0, 1, 2}));

  StopJob();
  std::vector<std::string> late_lines;
  for (const TestEvent& event : late) late_lines.push_back(event.Line());
  std::sort(late_lines.begin(), late_lines.end());
  EXPECT_THAT(EventLines("late"), ElementsAreArray(late_lines));
  EXPECT_THAT(WindowLines(), ElementsAreArray(Expected()));
}

// What the test above would see if idleness did nothing.
TEST_F(IdlePartitionsTest, WithoutIdlenessASilentPartitionHoldsTimeBack) {
  ASSERT_NO_FATAL_FAILURE(Start("--idle=0s"));
  FeedPhase(0, {0, 1, 2});
  Feed(MakeTicks(kTickMs, {0, 1, 2}));
  AwaitConsumed();
  AwaitCheckpoints();
  EXPECT_THAT(WindowLines(), testing::IsEmpty());
  // Its first record lets time go on.
  const std::vector<TestEvent> ticks = MakeTicks(kTickMs, {3});
  Feed(ticks);
  until_ms_ = kTickMs - kBoundMs;
  AwaitCommitted("output", Expected().size());
  StopJob();
  EXPECT_THAT(WindowLines(), ElementsAreArray(Expected()));
}

}  // namespace
}  // namespace weir

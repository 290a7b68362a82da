// Sessions and sliding windows of each key with late events, on the real cluster, while workers are
// killed: what is said, what is said again, and what is too late are what the events say
// (event_windows.cc).

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::ElementsAreArray;

constexpr int64_t kGapMs = 10'007;  // event times are multiples of 10: nothing is as far apart
constexpr int64_t kSlideMs = 4'000;
constexpr int64_t kSlidingMs = 12'000;
constexpr int64_t kLatenessMs = 120'000;
constexpr int64_t kBoundMs = 30'000;
constexpr int64_t kPhaseMs = 600'000;
constexpr int64_t kSpanMs = 100'000;
constexpr int64_t kTickMs = 200'000;  // of a phase
constexpr size_t kKeys = 400;
constexpr size_t kEvents = 4'000;  // of a phase
constexpr size_t kLate = 80;

struct LateWindows {
  std::string name;
  std::vector<std::string> arguments;
  std::unique_ptr<LateWindowOracle> (*oracle)();
};

LateWindows Sessions() {
  return {"Sessions", {"--windows=session", absl::StrCat("--size=", kGapMs, "ms")}, [] {
            return std::unique_ptr<LateWindowOracle>(new SessionOracle(kGapMs, kLatenessMs));
          }};
}
LateWindows SlidingWindows() {
  return {"SlidingWindows",
          {"--windows=sliding", absl::StrCat("--size=", kSlidingMs, "ms"),
           absl::StrCat("--slide=", kSlideMs, "ms")},
          [] {
            return std::unique_ptr<LateWindowOracle>(
                new SlidingOracle(kSlidingMs, kSlideMs, kLatenessMs));
          }};
}

class LateWindowsTest : public EventJobTest, public testing::WithParamInterface<LateWindows> {
 protected:
  void Start() {
    ASSERT_NO_FATAL_FAILURE(StartCluster(3, 4));
    CreateTopic("late");
    WeirJob job = EventJob("event_windows");
    const std::vector<std::string>& windows = GetParam().arguments;
    job.arguments.insert(job.arguments.end(), windows.begin(), windows.end());
    job.arguments.insert(job.arguments.end(), {absl::StrCat("--lateness=", kLatenessMs, "ms"),
                                               absl::StrCat("--bound=", kBoundMs, "ms"),
                                               absl::StrCat("--late-output=", TopicName("late"))});
    Submit(job);
  }

  std::vector<TestEvent> EventsOfPhase(int phase) {
    std::vector<TestEvent> events = MakeEvents(phase * kPhaseMs, kSpanMs, kEvents, kKeys);
    for (const TestEvent& event : events) oracle_->Add(event);
    return events;
  }
  /// Time passes all windows of the phase.
  void Tick(int phase) {
    const int64_t at = phase * kPhaseMs + kTickMs;
    const std::vector<TestEvent> ticks = MakeTicks(at);
    for (const TestEvent& tick : ticks) oracle_->Add(tick);
    oracle_->AdvanceTo(at - kBoundMs);
    Feed(ticks);
  }
  /// At most one of each key: every one that is not too late fires its windows once more. Some keys
  /// had no event before.
  void FeedLate(int phase) {
    std::vector<TestEvent> late;
    std::set<std::string> keys;
    for (TestEvent& event : MakeEvents(phase * kPhaseMs, kSpanMs, kLate, kKeys)) {
      if (event.id % 8 == 0) event.key = absl::StrCat("new-", phase, "-", event.id);
      if (!keys.insert(event.key).second) continue;
      oracle_->Add(event);
      late.push_back(event);
    }
    Feed(late);
  }
  void AwaitAll() {
    AwaitCommitted("output", oracle_->lines().size());
    AwaitCommitted("late", oracle_->late().size());
  }

  const std::unique_ptr<LateWindowOracle> oracle_ = GetParam().oracle();
};

INSTANTIATE_TEST_SUITE_P(Each, LateWindowsTest, testing::Values(Sessions(), SlidingWindows()),
                         [](const auto& test) { return test.param.name; });

TEST_P(LateWindowsTest, SayWhatTheEventsSayWhileWorkersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(Start());
  // A worker dies with windows open.
  const std::vector<TestEvent> first = EventsOfPhase(0);
  const auto middle = first.begin() + static_cast<ptrdiff_t>(first.size() / 2);
  Feed({first.begin(), middle});
  KillWorker(0);
  Feed({middle, first.end()});
  AwaitConsumed();
  Tick(0);
  ASSERT_NO_FATAL_FAILURE(AwaitAll());
  const size_t in_time = oracle_->lines().size();
  ASSERT_GT(in_time, 1000u);

  // Another one with late events on their way.
  FeedLate(0);
  KillWorker(1);
  ASSERT_NO_FATAL_FAILURE(AwaitAll());
  ASSERT_GT(oracle_->lines().size(), in_time + 10) << "windows that are said again";
  ASSERT_GT(oracle_->late().size(), 10u);

  // And one while windows fire, whose state from the phase before is to be gone.
  Feed(EventsOfPhase(1));
  AwaitConsumed();
  Tick(1);
  KillWorker(2);
  ASSERT_NO_FATAL_FAILURE(AwaitAll());
  FeedLate(1);
  FeedLate(0);  // all of them too late by now
  ASSERT_NO_FATAL_FAILURE(AwaitAll());

  StopJob();
  EXPECT_THAT(WindowLines(), ElementsAreArray(oracle_->lines()));
  EXPECT_THAT(EventLines("late"), ElementsAreArray(oracle_->late()));
}

}  // namespace
}  // namespace weir

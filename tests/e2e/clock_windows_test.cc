// Windows by the clock of the machines, while records come and workers are killed. Which windows
// there are nobody can say before, but together they have each record of each key once
// (event_windows.cc).

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "tests/e2e/event_job.h"
#include "tests/support/kafka/committed_topic_reader.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int64_t kSpanMs = 60'000;  // of event time, which is that of 1970
constexpr size_t kKeys = 50;
constexpr int kRounds = 15;
constexpr int kRoundsPerKill = 5;
constexpr size_t kEventsOfRound = 400;

class ClockWindowsTest : public EventJobTest {
 protected:
  void TearDown() override {
    reader_.reset();
    EventJobTest::TearDown();
  }

  void Start(int64_t window_ms) {
    window_ms_ = window_ms;
    ASSERT_NO_FATAL_FAILURE(StartCluster(3, 4));
    CreateTopic("late");
    auto reader = CommittedTopicReader::Start(
        cluster().bootstrap_servers(), TopicName("output"), kPartitions,
        [this](const CommittedTopicReader::Record& record) {
          const int64_t events = nlohmann::json::parse(std::string(record.value))["events"];
          MutexLock lock(mutex_);
          counted_ += events;
        });
    WEIR_ASSERT_OK(reader);
    reader_ = *std::move(reader);
  }
  WeirJob Job(int parallelism = kPartitions) {
    WeirJob job = EventJob("event_windows", parallelism);
    job.options["checkpoint.retention"] = "retain-on-cancellation";
    job.arguments.insert(job.arguments.end(),
                         {"--clock=true", absl::StrCat("--size=", window_ms_, "ms"),
                          absl::StrCat("--late-output=", TopicName("late"))});
    return job;
  }
  void FeedEvents(size_t count) {
    const std::vector<TestEvent> events = MakeEvents(0, kSpanMs, count, kKeys);
    for (const TestEvent& event : events) {
      auto& [of_key, ids] = fed_of_[event.key];
      ++of_key;
      ids += event.id;
    }
    fed_events_ += static_cast<int64_t>(count);
    Feed(events);
  }
  /// Some of what a checkpoint has read is in no window that has come out.
  bool HasOpenWindows() { return Counted() < fed_events_; }
  /// No record comes any more: only the clock lets the last windows fire.
  void AwaitAllCounted() {
    ASSERT_TRUE(AwaitTrue([&] { return Counted() >= fed_events_; }, kPatience))
        << Counted() << " of " << fed_events_
        << " events are counted: " << Details().ShortDebugString();
  }
  /// The job is suspended, and a new one goes on from there.
  void GoOnWith(const WeirJob& job) {
    WEIR_ASSERT_OK(weir().CliJson({"suspend", job_, "--wait"}));
    WEIR_ASSERT_OK(weir().CliJson({"cancel", job_, "--wait"}));
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(job);
    arguments.insert(arguments.begin() + 1, absl::StrCat("--from=", job_));
    const auto submitted = weir().CliJson(arguments);
    WEIR_ASSERT_OK(submitted);
    job_ = (*submitted)["job_id"].get<std::string>();
  }
  /// Of each key all events and no other ones, in windows by the clock, each of which came out
  /// once. At least `windows` began at different times.
  void ExpectBalance(size_t windows) {
    std::map<std::string, std::pair<int64_t, int64_t>> counted;
    std::set<std::pair<std::string, int64_t>> fired;
    std::set<int64_t> starts;
    for (const nlohmann::json& row : Rows("output")) {
      const std::string key = row["key"];
      const int64_t start = row["start_ms"];
      auto& [events, ids] = counted[key];
      events += row["events"].get<int64_t>();
      ids += row["ids"].get<int64_t>();
      EXPECT_TRUE(fired.emplace(key, start).second) << "twice: " << row;
      EXPECT_EQ(row["end_ms"].get<int64_t>() - start, window_ms_) << row;
      EXPECT_EQ(start % window_ms_, 0) << row;
      EXPECT_GT(start, 1'000 * kSpanMs) << "no event has such a time: " << row;
      starts.insert(start);
    }
    EXPECT_EQ(counted, fed_of_);
    EXPECT_GE(starts.size(), windows);
    EXPECT_THAT(Rows("late"), testing::IsEmpty());
  }

  /// Records come for some seconds, and every worker is killed once, with records on their way.
  void FeedWhileWorkersDie() {
    for (int round = 1; round <= kRounds; ++round) {
      FeedEvents(kEventsOfRound);
      if (round % kRoundsPerKill == 0) {
        ASSERT_NO_FATAL_FAILURE(KillWorker(round / kRoundsPerKill - 1));
      } else {
        ASSERT_NO_FATAL_FAILURE(AwaitConsumed());
      }
    }
  }

 private:
  int64_t Counted() {
    MutexLock lock(mutex_);
    return counted_;
  }

  int64_t window_ms_ = 0;
  int64_t fed_events_ = 0;
  std::map<std::string, std::pair<int64_t, int64_t>> fed_of_;  // events and ids of a key
  Mutex mutex_;
  int64_t counted_ WEIR_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<CommittedTopicReader> reader_;
};

TEST_F(ClockWindowsTest, NoRecordIsLostOrCountedTwiceWhileWorkersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(Start(300));
  ASSERT_NO_FATAL_FAILURE(Submit(Job()));
  ASSERT_NO_FATAL_FAILURE(FeedWhileWorkersDie());
  AwaitAllCounted();
  StopJob();
  ExpectBalance(kRounds / 3);
}

TEST_F(ClockWindowsTest, TheSameWithTheWindowsInRocksDb) {
  ASSERT_NO_FATAL_FAILURE(Start(300));
  ASSERT_NO_FATAL_FAILURE(Submit(OnRocksDb(Job())));
  ASSERT_NO_FATAL_FAILURE(FeedWhileWorkersDie());
  AwaitAllCounted();
  StopJob();
  ExpectBalance(kRounds / 3);
}

// What comes next is fed when windows have just fired, so they are open for almost as long as they
// are.
TEST_F(ClockWindowsTest, WindowsThatAreOpenAtAKillOrASuspensionFireByTheClockAlone) {
  ASSERT_NO_FATAL_FAILURE(Start(6'000));
  ASSERT_NO_FATAL_FAILURE(Submit(Job()));
  int open = 0;
  for (int which = 0; which < 2; ++which) {
    FeedEvents(kEventsOfRound);
    AwaitConsumed();
    open += HasOpenWindows() ? 1 : 0;
    KillWorker(which);
    ASSERT_NO_FATAL_FAILURE(AwaitAllCounted());
  }
  EXPECT_GE(open, 1) << "nothing was open when a worker was killed";
  FeedEvents(kEventsOfRound);
  AwaitConsumed();
  ASSERT_NO_FATAL_FAILURE(GoOnWith(Job(3)));
  AwaitAllCounted();
  StopJob();
  ExpectBalance(3);
}

}  // namespace
}  // namespace weir

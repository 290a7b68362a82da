// Keyed state whose form changes from one version of a job to the next: what the old one has left
// goes on in the new form, or the new version is refused and harms nothing (evolving_job.cc).

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::HasSubstr;

constexpr int64_t kKeys = 3'000;  // with a thousand bytes each: more than RocksDB has in memory
constexpr int64_t kNewKeys = 200;
constexpr int64_t kPointsOfEvent = -600'000'000;

std::string Line(const std::string& key, int64_t visits, int64_t points, const std::string& since,
                 int64_t ids, int64_t listed_by_1) {
  return absl::StrCat(key, " ", visits, " points=", points, " since=", since, " ids=", ids,
                      " by_1=", listed_by_1);
}

class StateMigrationTest : public EventJobTest, public testing::WithParamInterface<const char*> {
 protected:
  WeirJob Job(int version) {
    WeirJob job = EventJob("evolving_job");
    job.options["checkpoint.retention"] = "retain-on-cancellation";
    job.arguments.push_back(absl::StrCat("--version=", version));
    return GetParam() == std::string("rocksdb") ? OnRocksDb(job) : job;
  }
  void Start() {
    ASSERT_NO_FATAL_FAILURE(StartCluster(3, 4));
    Submit(Job(1));
  }
  /// An event of every `step`-th key of these, in `version`, and what it has to tell.
  void FeedKeys(int version, int64_t from, int64_t to, int64_t step) {
    std::vector<TestEvent> events;
    for (int64_t key = from; key < to; key += step) {
      TestEvent& event = events.emplace_back();
      event.id = event.at_ms = ++events_;
      event.key = absl::StrCat("p", key);
      History& history = histories_[event.key];
      if (history.visits == 0) history.since = absl::StrCat("version ", version);
      ++history.visits;
      history.ids += event.id;
      history.by_1 += version == 1 ? 1 : 0;
      expected_.push_back(Line(event.key, history.visits, kPointsOfEvent * history.visits,
                               history.since, history.ids, history.by_1));
    }
    Feed(events);
  }
  /// Its newest checkpoint has all that was fed.
  void CancelWhenAllIsRead() {
    AwaitConsumed();
    WEIR_ASSERT_OK(weir().CliJson({"suspend", job_, "--wait"}));
    WEIR_ASSERT_OK(weir().CliJson({"cancel", job_, "--wait"}));
  }
  /// From the newest checkpoint of `job_`.
  ProcessResult SubmitFrom(const WeirJob& job, const std::string& name) {
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(job);
    arguments.insert(arguments.begin() + 1,
                     {absl::StrCat("--from=", job_), absl::StrCat("--name=", name)});
    const auto result = weir().Cli(arguments);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
  void GoOnWith(const WeirJob& job) {
    const ProcessResult submitted = SubmitFrom(job, "next");
    ASSERT_EQ(submitted.exit_status, 0) << submitted.standard_error;
    const auto details = Describe("next");
    WEIR_ASSERT_OK(details);
    job_ = details->summary().job();
  }
  /// One row for each event, and each tells all that the state of its key has.
  void ExpectAllStandings() {
    std::vector<std::string> lines;
    int64_t damaged = 0;
    for (const nlohmann::json& row : Rows("output")) {
      damaged += row["intact"] == true && row["listed"] == row["visits"] ? 0 : 1;
      lines.push_back(Line(row["key"], row["visits"], row["points"], row["since"], row["ids"],
                           row["listed_by_1"]));
    }
    EXPECT_EQ(damaged, 0);
    std::sort(lines.begin(), lines.end());
    std::sort(expected_.begin(), expected_.end());
    EXPECT_EQ(lines.size(), expected_.size());
    const auto [found, wanted] =
        std::mismatch(lines.begin(), lines.end(), expected_.begin(), expected_.end());
    EXPECT_TRUE(found == lines.end() && wanted == expected_.end())
        << "the first that differs is\n  " << (found == lines.end() ? "none" : *found)
        << "\nand should be\n  " << (wanted == expected_.end() ? "none" : *wanted);
  }

 private:
  struct History {
    int64_t visits = 0;
    int64_t ids = 0;
    int64_t by_1 = 0;
    std::string since;
  };

  int64_t events_ = 0;
  std::map<std::string, History> histories_;
  std::vector<std::string> expected_;
};

// Fields that are new, moved and wider, in a value and in the elements of a list.
TEST_P(StateMigrationTest, ValuesGoOnInTheFormOfTheNextVersion) {
  ASSERT_NO_FATAL_FAILURE(Start());
  for (int round = 0; round < 3; ++round) FeedKeys(1, 0, kKeys, 1);
  ASSERT_NO_FATAL_FAILURE(CancelWhenAllIsRead());
  ASSERT_NO_FATAL_FAILURE(GoOnWith(Job(2)));
  // Half of the keys, so that the checkpoint which comes next has both forms.
  FeedKeys(2, 0, kKeys, 2);
  AwaitConsumed();
  KillWorker(1);
  FeedKeys(2, 0, kKeys + kNewKeys, 1);
  AwaitConsumed();
  StopJob();
  ExpectAllStandings();
}

TEST_P(StateMigrationTest, AFieldOfAnotherTypeIsRefusedAndTheCheckpointStaysAsItIs) {
  ASSERT_NO_FATAL_FAILURE(Start());
  FeedKeys(1, 0, kKeys, 1);
  ASSERT_NO_FATAL_FAILURE(CancelWhenAllIsRead());
  const ProcessResult refused = SubmitFrom(Job(3), "refused");
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.standard_error,
              HasSubstr("operator 'profiles': state 'profile' cannot be restored: field 'points' "
                        "was int32 and is string"));
  const auto details = Describe("refused");
  WEIR_ASSERT_OK(details);
  EXPECT_EQ(details->summary().state(), "FAILED");
  EXPECT_EQ(details->summary().restarts(), 0u) << "it is tried once";
  ASSERT_NO_FATAL_FAILURE(GoOnWith(Job(1)));
  FeedKeys(1, 0, kKeys, 1);
  AwaitConsumed();
  StopJob();
  ExpectAllStandings();
}

INSTANTIATE_TEST_SUITE_P(Backends, StateMigrationTest, testing::Values("hashmap", "rocksdb"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace weir

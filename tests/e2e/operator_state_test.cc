// A function that holds rows back in operator state, while its job changes its parallelism and
// workers die (tests/e2e/buffering_job.cc).

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/keyed_job.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

constexpr int64_t kKeys = 100;
constexpr int64_t kNumbers = 20'000;

class OperatorStateTest : public KeyedJobTest {
 protected:
  void Start() {
    WeirClusterOptions options;
    options.task_managers = 3;
    StartCluster(options);
    for (const char* topic : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), kPartitions));
    }
  }
  WeirJob Buffering(int parallelism) {
    WeirJob job = JobOf("buffering_job", parallelism);
    if (rocksdb_) job = OnRocksDb(job);
    job.arguments.push_back("--buffer=700");
    // A job that is suspended keeps its own.
    job.arguments.push_back(absl::StrCat("--prefix=", TopicName("p"), "-", parallelism));
    return job;
  }
  void FeedNumbers(int64_t count) {
    std::vector<KafkaTestRecord> records;
    for (; count > 0; --count, ++next_) {
      KafkaTestRecord& record = records.emplace_back();
      record.value = absl::StrCat(R"({"id":)", next_, "}");
      record.partition = static_cast<int32_t>(next_ % kPartitions);
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  }
  /// Every subtask gives what it holds.
  void FeedMarks() {
    std::vector<KafkaTestRecord> records;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      KafkaTestRecord& record = records.emplace_back();
      record.value = absl::StrCat(R"({"id":)", -1 - partition, "}");
      record.partition = partition;
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  }
  /// The job goes on as another one at this parallelism.
  void Rescale(const WeirJob& job) {
    WEIR_ASSERT_OK(weir().Cli({"suspend", job_, "--wait"}));
    std::vector<std::string> arguments = WeirCluster::SubmitArguments(job);
    arguments.insert(arguments.begin() + 1, {absl::StrCat("--from=", job_), "--wait"});
    const auto submitted = weir().CliJson(arguments);
    WEIR_ASSERT_OK(submitted);
    job_ = (*submitted)["job_id"].get<std::string>();
  }
  /// Each number once, the counts of each key without gap, and all numbers seen, once.
  void ExpectEachNumberOnce() {
    AwaitOutput(kNumbers + kPartitions);
    StopJob();
    std::set<int64_t> numbers;
    std::map<int64_t, std::set<int64_t>> counts;
    int64_t seen = 0;
    size_t rows = 0;
    for (const auto& [key, value] : Output(absl::Seconds(2))) {
      ++rows;
      const auto row = nlohmann::json::parse(value);
      const int64_t id = row["id"];
      if (id < 0) {
        seen += row["count"].get<int64_t>();
        EXPECT_GE(row["first"].get<int64_t>(), 0) << "every subtask has the broadcast state";
        EXPECT_LT(row["first"].get<int64_t>(), kPartitions) << "of the first subtask";
        continue;
      }
      EXPECT_TRUE(numbers.insert(id).second) << id << " came twice";
      EXPECT_TRUE(counts[id % kKeys].insert(row["count"].get<int64_t>()).second) << id;
    }
    EXPECT_EQ(rows, static_cast<size_t>(kNumbers + kPartitions));
    EXPECT_EQ(numbers.size(), static_cast<size_t>(kNumbers));
    EXPECT_EQ(seen, kNumbers);
    for (const auto& [key, of_key] : counts) {
      EXPECT_EQ(*of_key.rbegin(), kNumbers / kKeys) << "of key " << key;
    }
  }

  void FromOneToThreeToTwo() {
    Start();
    Submit(Buffering(1));
    FeedNumbers(2'100);
    AwaitOutput(2'100);
    FeedNumbers(2'050);  // and 650 of them are held
    AwaitCheckpoints();
    KillWorker(0);
    Rescale(Buffering(3));
    FeedNumbers(5'000);
    AwaitCheckpoints();
    KillWorker(1);
    FeedNumbers(3'000);
    Rescale(Buffering(2));
    AwaitCheckpoints();
    KillWorker(0);
    FeedNumbers(kNumbers - next_);
    FeedMarks();
    ExpectEachNumberOnce();
  }

  bool rocksdb_ = false;
  int64_t next_ = 0;
};

TEST_F(OperatorStateTest, FromOneSubtaskToThreeAndToTwoWhileWorkersAreKilled) {
  FromOneToThreeToTwo();
}

TEST_F(OperatorStateTest, TheSameBesideKeyedStateInRocksDb) {
  rocksdb_ = true;
  FromOneToThreeToTwo();
}

}  // namespace
}  // namespace weir

// A subtask behind a shuffle, or the sink behind it, that takes nothing for half a minute: what is
// before it waits with bounded memory, however much there is, and then all of it comes, once each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "tests/e2e/cluster_test.h"
#include "tests/support/http/http_get.h"
#include "tests/support/kafka/committed_topic_reader.h"
#include "tests/support/temporary_directory.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr int kPartitions = 4;
constexpr int64_t kOrders = 240'000;
constexpr int64_t kBatch = 5'000;
constexpr size_t kFillerBytes = 2'000;
constexpr absl::Duration kStall = absl::Seconds(30);
constexpr uint64_t kMegabyte = 1u << 20;
// A worker's bound while nothing moves: 16 MiB in Kafka's client and what it has just fetched,
// 8 MiB from the other worker, and what waits at senders and in local channels.
constexpr uint64_t kBoundBytes = 80 * kMegabyte;
// Each of both workers reads half, of which half is for the subtask that stalls: without bounds the
// stalled one alone would come to hold twice the bound.
static_assert(kOrders * kFillerBytes / 2 > 2 * kBoundBytes);

class BackpressureTest : public ClusterTest {
 protected:
  void TearDown() override {
    reader_.reset();
    ClusterTest::TearDown();
  }
  static KafkaTestRecord Order(int64_t id, const std::string& fault = "", int64_t amount = 0) {
    static const std::string filler(kFillerBytes, 'x');
    KafkaTestRecord record;
    record.partition = static_cast<int32_t>(id % kPartitions);
    record.value = absl::StrCat("{\"id\":", id, ",\"fault\":\"", fault, "\",\"amount\":", amount,
                                ",\"filler\":\"", filler, "\"}");
    return record;
  }
  static WeirJob Job() {
    WeirJob job{"faulty_job",
                JobArguments(),
                {{"checkpoint.interval", "200ms"}, {"exchange.memory", "8mb"}}};
    job.arguments.insert(job.arguments.end(), {"--keyed=true", "--parallelism=2"});
    return job;
  }
  /// Until its first orders have come out.
  void Start(const WeirJob& job) {
    WeirClusterOptions options;
    options.task_managers = 2;
    StartCluster(options);
    for (const char* topic : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), kPartitions));
    }
    auto reader =
        CommittedTopicReader::Start(cluster().bootstrap_servers(), TopicName("output"), kPartitions,
                                    [this](const auto& record) { Count(record.value); });
    WEIR_ASSERT_OK(reader);
    reader_ = *std::move(reader);
    ASSERT_NO_FATAL_FAILURE(FeedUpTo(4));
    const auto id = weir().Submit(job);
    WEIR_ASSERT_OK(id);
    job_ = *id;
    ASSERT_TRUE(AwaitTrue([&] { return Written() == 4; }));
  }
  void FeedUpTo(int64_t end) {
    while (next_ < end) {
      std::vector<KafkaTestRecord> batch;
      for (const int64_t until = std::min(next_ + kBatch, end); next_ < until; ++next_) {
        batch.push_back(Order(next_));
      }
      WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), batch));
    }
  }
  void Count(absl::string_view value) {
    const nlohmann::json row = nlohmann::json::parse(std::string(value), nullptr, false);
    const int64_t id = row.value("id", int64_t{-1});
    MutexLock lock(mutex_);
    ++written_;
    if (id >= 0 && id < kOrders) ++times_[static_cast<size_t>(id)];
  }
  int64_t Written() {
    MutexLock lock(mutex_);
    return written_;
  }
  /// Orders that did not come out once.
  int64_t Wrong() {
    MutexLock lock(mutex_);
    return std::count_if(times_.begin(), times_.end(), [](int times) { return times != 1; });
  }
  /// The largest of the workers.
  uint64_t ResidentBytes() {
    uint64_t most = 0;
    const auto details = Describe(job_);
    EXPECT_TRUE(details.ok()) << details.status();
    if (!details.ok()) return most;
    for (const proto::WorkerDetails& worker : details->workers()) {
      most = std::max<uint64_t>(most, worker.resident_bytes());
    }
    return most;
  }
  uint64_t Completed() {
    const auto details = Describe(job_);
    return details.ok() ? details->checkpoints().completed() : 0;
  }

  uint64_t EndedCheckpoints() {
    const auto details = Describe(job_);
    return details.ok() ? details->checkpoints().completed() + details->checkpoints().failed() : 0;
  }
  /// People who look are answered soon, by the JobManager and by what every worker reports to it.
  void ExpectAnswers() {
    const absl::Time start = absl::Now();
    const std::vector<std::vector<std::string>> verbs = {
        {"list"}, {"describe", job_}, {"checkpoint", "list", job_}};
    for (const auto& verb : verbs) {
      const auto answer = weir().Cli(verb);
      WEIR_ASSERT_OK(answer);
      EXPECT_EQ(answer->exit_status, 0) << verb[0] << ": " << answer->standard_error;
    }
    for (int number = 1; number <= 2; ++number) {
      const auto address = weir().HttpAddress(WeirCluster::TaskManagerName(number));
      WEIR_ASSERT_OK(address);
      const auto page = HttpGet(*address, "/metrics");
      WEIR_ASSERT_OK(page);
      EXPECT_EQ(page->status, 200);
      EXPECT_THAT(page->body, HasSubstr("weir_task_backpressured_seconds_total"));
    }
    EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  }
  /// Each is taken, or has failed with a sentence that says for what it waited.
  void ExpectCheckpointsNamed() {
    const auto list = weir().CliJson({"checkpoint", "list", job_});
    WEIR_ASSERT_OK(list);
    EXPECT_GT((*list)["checkpoints"].size(), 0u);
    for (const nlohmann::json& checkpoint : (*list)["checkpoints"]) {
      if (checkpoint["state"] != "FAILED") continue;
      EXPECT_THAT(checkpoint["failure"].get<std::string>(),
                  MatchesRegex("timed out after 3s: [1-4] tasks have not answered"));
    }
  }
  /// What stalls goes on: all orders come, once each, checkpoints go on, and nothing was restarted.
  void ExpectAllOnce() {
    EXPECT_TRUE(AwaitTrue([&] { return Written() >= kOrders; }, absl::Seconds(60)))
        << Written() << " of " << kOrders;
    const uint64_t completed = Completed();
    EXPECT_TRUE(AwaitTrue([&] { return Completed() > completed + 1; }));
    EXPECT_EQ(Written(), kOrders);
    EXPECT_EQ(Wrong(), 0) << "orders that are lost or doubled";
    const auto details = Describe(job_);
    WEIR_ASSERT_OK(details);
    EXPECT_EQ(details->summary().restarts(), 0u);
  }

  std::string job_;
  int64_t next_ = 0;
  std::unique_ptr<CommittedTopicReader> reader_;
  Mutex mutex_;
  int64_t written_ WEIR_GUARDED_BY(mutex_) = 0;
  std::vector<int> times_ WEIR_GUARDED_BY(mutex_) = std::vector<int>(kOrders);
};

TEST_F(BackpressureTest, ASubtaskStallsForHalfAMinute) {
  ASSERT_NO_FATAL_FAILURE(Start(Job()));
  const uint64_t before = ResidentBytes();

  const absl::Time start = absl::Now();
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"),
                                   {Order(next_++, "stall", absl::ToInt64Milliseconds(kStall))}));
  ASSERT_NO_FATAL_FAILURE(FeedUpTo(kOrders));
  const absl::Duration fed = absl::Now() - start;
  ASSERT_LT(fed, kStall - absl::Seconds(8)) << "too slow to see what waits";
  uint64_t most = 0;
  int64_t written = 0;
  while (absl::Now() - start < kStall - absl::Seconds(3)) {
    most = std::max(most, ResidentBytes());
    written = Written();
    absl::SleepFor(absl::Milliseconds(500));
  }
  EXPECT_LT(written, kOrders / 4) << "nothing stalls";
  EXPECT_LT(most - before, kBoundBytes)
      << (most >> 20) << " MiB, and " << (before >> 20) << " MiB before";
  RecordProperty("mebibytes", absl::StrCat((most - before) >> 20));
  ExpectAllOnce();
}

TEST_F(BackpressureTest, ASinkIsFullForHalfAMinute) {
  const TemporaryDirectory directory;
  const std::string hold = directory.File("hold");
  WeirJob job = Job();
  job.arguments.push_back(absl::StrCat("--hold=", hold));
  job.options["checkpoint.timeout"] = "3s";
  ASSERT_NO_FATAL_FAILURE(Start(job));
  const uint64_t before = ResidentBytes();

  const absl::Time start = absl::Now();
  std::ofstream(hold).close();
  ASSERT_NO_FATAL_FAILURE(FeedUpTo(kOrders));
  const int64_t written = Written();
  const uint64_t ended = EndedCheckpoints();
  uint64_t most = 0;
  // Long enough for a checkpoint to end, however long feeding took.
  const absl::Time end = std::max(start + kStall, absl::Now() + absl::Seconds(8));
  while (absl::Now() < end) {
    most = std::max(most, ResidentBytes());
    ASSERT_NO_FATAL_FAILURE(ExpectAnswers());
    absl::SleepFor(absl::Milliseconds(500));
  }
  EXPECT_LT(written, kOrders / 4) << "the sink is not full";
  EXPECT_EQ(Written(), written);
  EXPECT_LT(most - before, kBoundBytes)
      << (most >> 20) << " MiB, and " << (before >> 20) << " MiB before";
  RecordProperty("mebibytes", absl::StrCat((most - before) >> 20));
  EXPECT_GT(EndedCheckpoints(), ended) << "a barrier waits for ever";
  ExpectCheckpointsNamed();

  ASSERT_EQ(std::remove(hold.c_str()), 0);
  ExpectAllOnce();
}

}  // namespace
}  // namespace weir

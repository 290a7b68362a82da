#include "tests/e2e/keyed_job.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "tests/e2e/late_routes_oracle.h"

namespace weir {
namespace {

constexpr absl::Duration kKillTimeout = absl::Seconds(10);

}  // namespace

void KeyedJobTest::StartWith(size_t flights) {
  WeirClusterOptions options;
  options.task_managers = 3;
  StartCluster(options);
  for (const char* topic : {"input", "output"}) {
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(topic), kPartitions));
  }
  const auto loaded = LoadFlights(flights);
  WEIR_ASSERT_OK(loaded);
  flights_ = *loaded;
}

WeirJob KeyedJobTest::JobOf(const std::string& program, int parallelism) {
  WeirJob job;
  job.program = program;
  job.arguments = JobArguments();
  job.arguments.push_back(absl::StrCat("--parallelism=", parallelism));
  job.options["checkpoint.interval"] = "200ms";
  return job;
}

WeirJob KeyedJobTest::OnRocksDb(WeirJob job, const std::string& memory) {
  job.options["state.backend"] = "rocksdb";
  job.options["state.memory"] = memory;
  return job;
}

void KeyedJobTest::Submit(const WeirJob& job) {
  const auto id = weir().Submit(job);
  WEIR_ASSERT_OK(id);
  job_ = *id;
}

void KeyedJobTest::Feed(size_t chunks) {
  for (size_t chunk = 0; chunk < chunks && fed_ < flights_.size(); ++chunk) {
    std::vector<KafkaTestRecord> records;
    for (const size_t end = fed_ + kChunk; fed_ < end && fed_ < flights_.size(); ++fed_) {
      KafkaTestRecord& record = records.emplace_back();
      record.key = RouteOf(flights_[fed_]);
      record.value = flights_[fed_].Json();
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  }
}

void KeyedJobTest::FeedEnd() {
  std::vector<KafkaTestRecord> records;
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    TestFlight flight;
    flight.id = -1 - partition;
    flight.date = "2001-08-01 12:00";
    flight.origin = flight.destination = "END";
    KafkaTestRecord& record = records.emplace_back();
    record.key = "END";
    record.value = flight.Json();
    record.partition = partition;
  }
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
}

proto::JobDetails KeyedJobTest::Details() {
  const auto details = Describe(job_);
  EXPECT_TRUE(details.ok()) << details.status();
  return details.value_or(proto::JobDetails());
}

void KeyedJobTest::AwaitCheckpoints() {
  const uint64_t completed = Details().checkpoints().completed();
  ASSERT_TRUE(AwaitTrue([&] { return Details().checkpoints().completed() > completed + 1; }));
}

void KeyedJobTest::AwaitRecovery(uint64_t former) {
  ASSERT_TRUE(AwaitTrue([&] { return Details().summary().generation() > former; }));
  ASSERT_TRUE(AwaitState(job_, "RUNNING"));
}

void KeyedJobTest::KillWorker(int which) {
  const proto::JobDetails details = Details();
  const uint64_t generation = details.summary().generation();
  ASSERT_LT(which, details.workers_size());
  WEIR_ASSERT_OK(KillAndAwaitEnd(static_cast<pid_t>(details.workers(which).pid()), kKillTimeout));
  AwaitRecovery(generation);
  EXPECT_THAT(Details().summary().reason(), testing::Not(testing::HasSubstr("connection")))
      << "the worker that was killed is the reason, not who missed it";
}

std::vector<std::pair<std::string, std::string>> KeyedJobTest::Output(absl::Duration quiet,
                                                                      size_t at_most) {
  KafkaReadOptions options;
  options.count = static_cast<int64_t>(at_most);
  options.quiet = quiet;
  const auto records = cluster().ConsumeAll(TopicName("output"), options);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::pair<std::string, std::string>> output;
  if (!records.ok()) return output;
  for (const KafkaTestRecord& record : *records) {
    output.emplace_back(record.key.value_or(""), record.value.value_or(""));
  }
  return output;
}

void KeyedJobTest::AwaitOutput(size_t count) {
  EXPECT_EQ(Output(absl::Seconds(20), count).size(), count);
}

}  // namespace weir

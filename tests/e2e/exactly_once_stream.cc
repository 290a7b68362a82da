#include "tests/e2e/exactly_once_stream.h"

#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace weir {
namespace {

using testing::IsEmpty;

constexpr absl::Duration kStableOffsetBound = absl::Seconds(5);
// Brokers may just have died: their sessions end, and others take over.
constexpr absl::Duration kFlowTimeout = absl::Seconds(60);

}  // namespace

void ExactlyOnceStreamTest::TearDown() {
  feeder_.reset();
  ClusterTest::TearDown();
}

WeirJob ExactlyOnceStreamTest::Job() {
  WeirJob job{"record_copy", JobArguments(), {{"checkpoint.interval", "200ms"}}};
  for (const std::string& argument : std::vector<std::string>{
           "--delivery=exactly-once", "--keyed=1", "--parallelism=2",
           absl::StrCat("--prefix=", Prefix()), absl::StrCat("--group=", TopicName("group"))}) {
    job.arguments.push_back(argument);
  }
  return job;
}

void ExactlyOnceStreamTest::StartFeeding() {
  for (const char* suffix : {"input", "output"}) {
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(suffix), kPartitions));
  }
  auto inspection =
      SinkInspection::Connect(cluster().bootstrap_servers(), TopicName("output"), Prefix());
  WEIR_ASSERT_OK(inspection);
  inspection_ = *std::move(inspection);
  auto feeder = RecordFeeder::Start(cluster().bootstrap_servers(), TopicName("input"));
  WEIR_ASSERT_OK(feeder);
  feeder_ = *std::move(feeder);
}

void ExactlyOnceStreamTest::StartStream(const WeirJob& job) {
  StartFeeding();
  if (HasFatalFailure()) return;
  const absl::StatusOr<std::string> id = weir().Submit(job);
  WEIR_ASSERT_OK(id);
  job_ = *id;
  AwaitFlow();
}

proto::JobDetails ExactlyOnceStreamTest::Details() {
  const absl::StatusOr<proto::JobDetails> details = Describe(job_);
  EXPECT_TRUE(details.ok()) << details.status();
  return details.value_or(proto::JobDetails());
}

std::vector<pid_t> ExactlyOnceStreamTest::Workers() {
  const proto::JobDetails details = Details();
  std::vector<pid_t> pids;
  for (const proto::WorkerDetails& worker : details.workers()) {
    if (worker.pid() != 0) pids.push_back(static_cast<pid_t>(worker.pid()));
  }
  return pids;
}

int ExactlyOnceStreamTest::TaskManagerOf(pid_t worker) {
  const proto::JobDetails details = Details();
  const std::map<std::string, int> numbers = TaskManagerNumbers();
  for (const proto::WorkerDetails& one : details.workers()) {
    if (static_cast<pid_t>(one.pid()) == worker && numbers.count(one.task_manager()) == 1) {
      return numbers.at(one.task_manager());
    }
  }
  ADD_FAILURE() << "no TaskManager has worker " << worker;
  return 1;
}

bool ExactlyOnceStreamTest::AllRead(const std::map<int32_t, int64_t>& ends) {
  const auto read = inspection_->GroupOffsets(TopicName("group"), TopicName("input"), kPartitions);
  if (!read.ok()) return false;
  for (const auto& [partition, end] : ends) {
    if (read->at(partition) < end) return false;
  }
  return true;
}

void ExactlyOnceStreamTest::AwaitFlow() {
  const int64_t fed = feeder_->fed();
  ASSERT_TRUE(AwaitTrue([&] { return feeder_->fed() > fed; }, kFlowTimeout))
      << "nothing can be fed";
  AwaitAllRead();
}

void ExactlyOnceStreamTest::AwaitAllRead() {
  // A partition's leader may just have died.
  auto ends = cluster().EndOffsets(TopicName("input"));
  AwaitTrue([&] { return ends.ok() || (ends = cluster().EndOffsets(TopicName("input"))).ok(); });
  WEIR_ASSERT_OK(ends);
  ASSERT_TRUE(AwaitTrue([&] { return AllRead(*ends); }, kFlowTimeout))
      << "the job does not read on: " << Details().ShortDebugString();
}

void ExactlyOnceStreamTest::AwaitRestore(uint64_t former) {
  ASSERT_TRUE(AwaitTrue([&] {
    const absl::StatusOr<proto::JobDetails> details = Describe(job_);
    return details.ok() && details->summary().generation() > former &&
           details->summary().state() == "RUNNING";
  })) << "no generation behind "
      << former << " runs: " << Details().ShortDebugString();
  const auto found = inspection_->Offsets(TopicName("output"), kPartitions);
  WEIR_ASSERT_OK(found);
  EXPECT_TRUE(AwaitTrue(
      [&] {
        const auto now = inspection_->Offsets(TopicName("output"), kPartitions);
        if (!now.ok()) return false;
        for (const auto& [partition, offsets] : *found) {
          if (now->at(partition).last_stable_offset <= offsets.high_watermark) return false;
        }
        return true;
      },
      kStableOffsetBound))
      << "the last stable offset does not move within 5 s of the restore";
  const auto strays = inspection_->OpenStrays();
  WEIR_ASSERT_OK(strays);
  EXPECT_THAT(*strays, IsEmpty());
}

void ExactlyOnceStreamTest::ExpectExactlyOnce() {
  const absl::StatusOr<int64_t> fed = feeder_->Finish();
  WEIR_ASSERT_OK(fed);
  AwaitAllRead();
  if (HasFatalFailure()) return;
  // A checkpoint is only triggered when the epoch before it has its receipt.
  const uint64_t completed = Details().checkpoints().completed();
  ASSERT_TRUE(AwaitTrue([&] { return Details().checkpoints().completed() > completed + 1; }));
  WEIR_ASSERT_OK(weir().client().CancelJob(job_));
  ASSERT_TRUE(AwaitState(job_, "CANCELED")) << Details().ShortDebugString();
  // A commit is answered before its markers are written.
  absl::StatusOr<std::vector<std::string>> open;
  AwaitTrue(
      [&] {
        open = inspection_->Open();
        return open.ok() && open->empty();
      },
      kStableOffsetBound);
  WEIR_ASSERT_OK(open);
  EXPECT_THAT(*open, IsEmpty());
  ExpectOutput(*fed);
}

void ExactlyOnceStreamTest::ExpectOutput(int64_t count) {
  const auto records = cluster().ConsumeAll(TopicName("output"), {});
  WEIR_ASSERT_OK(records);
  std::map<std::string, int64_t> times;
  std::map<std::string, int64_t> last;  // id of each key
  int64_t out_of_order = 0;
  std::string example;
  for (const KafkaTestRecord& record : *records) {
    const nlohmann::json value = nlohmann::json::parse(record.value.value_or(""), nullptr, false);
    ASSERT_TRUE(value.is_object()) << record.value.value_or("(none)");
    const int64_t id = value.value("id", int64_t{-1});
    ++times[RecordFeeder::Value(id)];
    EXPECT_EQ(*record.value, RecordFeeder::Value(id));
    const std::string key = record.key.value_or("(none)");
    EXPECT_EQ(value.value("key", ""), key);
    const auto [entry, first] = last.try_emplace(key, id);
    if (!first && id <= entry->second) {
      ++out_of_order;
      example = absl::StrCat(id, " at offset ", record.offset, " behind ", entry->second);
    }
    entry->second = id;
  }
  int64_t lost = 0;
  for (int64_t id = 0; id < count; ++id) lost += times.count(RecordFeeder::Value(id)) == 0 ? 1 : 0;
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(static_cast<int64_t>(records->size()) - (count - lost), 0) << "written twice";
  EXPECT_EQ(out_of_order, 0) << example;
  EXPECT_GT(count, 0);
}

}  // namespace weir

#include "tests/e2e/record_feeder.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr int64_t kBatch = 20;
constexpr absl::Duration kBatchInterval = absl::Milliseconds(20);

std::string KeyOf(int64_t id) { return absl::StrCat("k", id % RecordFeeder::kKeys); }

}  // namespace

std::string RecordFeeder::Value(int64_t id) {
  return absl::StrCat("{\"key\":\"", KeyOf(id), "\",\"id\":", id, "}");
}

absl::StatusOr<std::unique_ptr<RecordFeeder>> RecordFeeder::Start(
    const std::string& bootstrap_servers, const std::string& topic) {
  std::unique_ptr<RecordFeeder> feeder(new RecordFeeder);
  WEIR_ASSIGN_OR_RETURN(feeder->client_, TopicClient::Connect(bootstrap_servers));
  feeder->topic_ = topic;
  feeder->thread_ = std::thread([raw = feeder.get()] { raw->Run(); });
  return feeder;
}

RecordFeeder::~RecordFeeder() {
  if (thread_.joinable()) Finish().IgnoreError();
}

int64_t RecordFeeder::fed() const {
  MutexLock lock(mutex_);
  return fed_;
}

void RecordFeeder::Run() {
  for (int64_t next = 0;; next += kBatch) {
    std::vector<KafkaTestRecord> batch;
    for (int64_t id = next; id < next + kBatch; ++id) {
      KafkaTestRecord record;
      record.key = KeyOf(id);
      record.value = Value(id);
      record.partition = static_cast<int32_t>(id % kPartitions);
      batch.push_back(std::move(record));
    }
    const absl::Status produced = client_->Produce(topic_, batch);
    {
      MutexLock lock(mutex_);
      status_ = produced;
      if (produced.ok()) fed_ = next + kBatch;
      if (!produced.ok() || finishing_) return;
    }
    absl::SleepFor(kBatchInterval);
  }
}

absl::StatusOr<int64_t> RecordFeeder::Finish() {
  {
    MutexLock lock(mutex_);
    finishing_ = true;
  }
  thread_.join();
  MutexLock lock(mutex_);
  if (!status_.ok()) return status_;
  return fed_;
}

}  // namespace weir

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"

namespace weir {

/// The job of record_copy.cc between two topics of two partitions each.
class RecordCopyTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* suffix : {"input", "output"}) {
      WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(suffix), 2));
    }
  }
  static WeirJob RecordCopy(const std::vector<std::string>& arguments) {
    WeirJob job{"record_copy", JobArguments(), {{"checkpoint.interval", "200ms"}}};
    job.arguments.insert(job.arguments.end(), arguments.begin(), arguments.end());
    return job;
  }
  /// Ids from `first`, alternating between both partitions, 1000 ms apart from `first` seconds on.
  void Produce(int64_t first, int64_t count) {
    std::vector<KafkaTestRecord> records;
    for (int64_t id = first; id < first + count; ++id) {
      KafkaTestRecord record;
      record.value = absl::StrCat("{\"id\":", id, "}");
      record.partition = static_cast<int32_t>(id % 2);
      record.timestamp_ms = 1000 * (id + 1);
      records.push_back(std::move(record));
    }
    WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  }
  /// How often each value came out, read by Java's consumer until nothing comes any more.
  std::map<std::string, int> Output(size_t count) {
    KafkaReadOptions options;
    options.count = static_cast<int64_t>(count);
    options.quiet = absl::Seconds(count == 0 ? 5 : 10);
    const auto records = cluster().ConsumeAll(TopicName("output"), options);
    EXPECT_TRUE(records.ok()) << records.status();
    std::map<std::string, int> values;
    if (records.ok()) {
      for (const KafkaTestRecord& record : *records) ++values[record.value.value_or("(none)")];
    }
    return values;
  }
  proto::JobSummary Summary(const std::string& job) {
    const auto details = Describe(job);
    return details.ok() ? details->summary() : proto::JobSummary();
  }
  int64_t OutputEnd() {
    const auto ends = cluster().EndOffsets(TopicName("output"));
    int64_t sum = 0;
    if (ends.ok()) {
      for (const auto& [partition, end] : *ends) sum += end;
    }
    return sum;
  }
  static std::map<std::string, int> Ids(int64_t first, int64_t end, int times = 1) {
    std::map<std::string, int> ids;
    for (int64_t id = first; id < end; ++id) ids[absl::StrCat("{\"id\":", id, "}")] = times;
    return ids;
  }
};

}  // namespace weir

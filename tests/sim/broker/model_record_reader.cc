#include "tests/sim/broker/model_record_reader.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "tests/sim/broker/model_transaction_client.h"

namespace weir::sim {
namespace {

// Of one Fetch.
constexpr size_t kRecords = 16;

Payload AsPayload(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return {nullptr, 0, true};
  return {bytes->data(), bytes->size(), false};
}

}  // namespace

absl::Status ModelRecordReader::Read(const kafka::TopicPartition& partition, int64_t first,
                                     int64_t last, absl::Duration timeout, const Visitor& visitor) {
  for (bool more = true; more && first <= last;) {
    const auto fetched = std::make_shared<std::vector<ReadRecord>>();
    BrokerCall call;
    call.what = absl::StrCat("records of partition ", partition.partition, " from ", first);
    call.timeout = timeout;
    call.request = [&broker = broker_, partition, first, last, fetched] {
      PartitionLog* log = nullptr;
      const kafka::KafkaError error = broker.Log(partition, &log);
      if (error == kafka::KafkaError::kNone) {
        *fetched = log->Read(PartitionLog::Isolation::kReadUncommitted, first, last + 1);
      }
      return error;
    };
    const std::string what = call.what;
    WEIR_RETURN_IF_ERROR(StatusOfAnswer(link_.Do(std::move(call)), what));
    more = fetched->size() > kRecords;
    std::vector<kafka::StoredRecord> records;
    for (size_t i = 0; i < std::min(fetched->size(), kRecords); ++i) {
      const ReadRecord& one = (*fetched)[i];
      records.push_back({one.offset, one.record.timestamp_ms, AsPayload(one.record.key),
                         AsPayload(one.record.value)});
      first = one.offset + 1;
    }
    WEIR_RETURN_IF_ERROR(visitor(records));
  }
  return absl::OkStatus();
}

}  // namespace weir::sim

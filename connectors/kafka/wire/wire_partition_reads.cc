// The part of WireTransactionClient that asks partition leaders: offsets and batch headers.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/list_offsets_message.h"
#include "connectors/kafka/wire/wire_transaction_client.h"

namespace weir::kafka {
namespace {

std::string Named(absl::string_view what, const TopicPartition& partition) {
  return absl::StrCat(what, " of partition ", partition.partition, " of Kafka topic ",
                      partition.topic);
}

}  // namespace

absl::StatusOr<int64_t> WireTransactionClient::ListOffset(const BrokerAddress& leader,
                                                          const TopicPartition& partition,
                                                          int64_t timestamp,
                                                          IsolationLevel isolation,
                                                          absl::Duration deadline) {
  ListOffsetsRequest request;
  request.isolation_level = static_cast<int8_t>(isolation);
  request.topics = {{partition.topic, {{partition.partition, -1, timestamp}}}};
  WEIR_ASSIGN_OR_RETURN(const ListOffsetsResponse response,
                        brokers_.Call(leader, request, deadline));
  if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
    return absl::DataLossError("ListOffsets: the answer is about other partitions");
  }
  const ListOffsetsResponse::Partition& answer = response.topics[0].partitions[0];
  WEIR_RETURN_IF_ERROR(StatusFromKafka(answer.error_code, "the leader answers"));
  return answer.offset;
}

absl::StatusOr<PartitionOffsets> WireTransactionClient::OffsetsNow(const TopicPartition& partition,
                                                                   absl::Duration deadline) {
  WEIR_ASSIGN_OR_RETURN(const BrokerAddress leader, brokers_.Leader(partition, deadline));
  brokers_.ForgetLeader(partition);  // until it has answered
  PartitionOffsets offsets;
  WEIR_ASSIGN_OR_RETURN(offsets.log_start_offset,
                        ListOffset(leader, partition, kEarliestTimestamp,
                                   IsolationLevel::kReadUncommitted, deadline));
  WEIR_ASSIGN_OR_RETURN(
      offsets.last_stable_offset,
      ListOffset(leader, partition, kLatestTimestamp, IsolationLevel::kReadCommitted, deadline));
  WEIR_ASSIGN_OR_RETURN(
      offsets.high_watermark,
      ListOffset(leader, partition, kLatestTimestamp, IsolationLevel::kReadUncommitted, deadline));
  brokers_.RememberLeader(partition, leader);
  return offsets;
}

absl::StatusOr<PartitionOffsets> WireTransactionClient::FetchPartitionOffsets(
    const TopicPartition& partition, absl::Duration timeout) {
  PartitionOffsets offsets;
  WEIR_RETURN_IF_ERROR(
      Retry(Named("offsets", partition), timeout, [&](absl::Duration deadline) -> absl::Status {
        WEIR_ASSIGN_OR_RETURN(offsets, OffsetsNow(partition, deadline));
        return absl::OkStatus();
      }));
  return offsets;
}

absl::Status WireTransactionClient::FetchHeaders(const TopicPartition& partition, int64_t& next,
                                                 int32_t& bytes, absl::Duration deadline,
                                                 std::vector<RecordBatchHeader>& out) {
  WEIR_ASSIGN_OR_RETURN(const BrokerAddress leader, brokers_.Leader(partition, deadline));
  FetchRequest request;
  request.min_bytes = 1;
  request.max_wait_ms = 100;
  request.max_bytes = bytes;
  request.isolation_level = static_cast<int8_t>(IsolationLevel::kReadUncommitted);
  request.topics = {{partition.topic, {{partition.partition, -1, next, -1, bytes}}}};
  auto response = brokers_.Call(leader, request, deadline);
  absl::Status status = response.status();
  if (status.ok()) status = StatusFromKafka(response->error_code, "the leader answers");
  if (status.ok() &&
      (response->responses.size() != 1 || response->responses[0].partitions.size() != 1)) {
    status = absl::DataLossError("Fetch: the answer is about other partitions");
  }
  if (status.ok()) {
    const FetchResponse::Partition& answer = response->responses[0].partitions[0];
    if (static_cast<KafkaError>(answer.error_code) == KafkaError::kOffsetOutOfRange) {
      return absl::UnavailableError("the log has changed meanwhile");
    }
    status = StatusFromKafka(answer.error_code, "the leader answers");
  }
  if (!status.ok()) {
    brokers_.ForgetLeader(partition);
    return status;
  }
  const std::string records =
      std::move(response->responses[0].partitions[0].records).value_or(std::string());
  WEIR_ASSIGN_OR_RETURN(const std::vector<RecordBatchHeader> headers,
                        ReadRecordBatchHeaders(records));
  if (headers.empty()) {
    if (records.empty()) return absl::UnavailableError("the leader has nothing at the offset yet");
    // A broker gives at least one whole batch, however large; one that does not is asked for more.
    bytes = static_cast<int32_t>(std::min<size_t>(
        static_cast<size_t>(bytes) * 2,
        std::min<size_t>(options_.brokers.connection.max_response_bytes, 1u << 30)));
    return absl::UnavailableError("the answer holds no whole batch");
  }
  for (const RecordBatchHeader& header : headers) {
    if (header.last_offset < next) continue;
    out.push_back(header);
    next = header.last_offset + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordBatchRange> WireTransactionClient::ReadBatchHeaders(
    const TopicPartition& partition, OffsetRange range, absl::Duration timeout) {
  RecordBatchRange result;
  const std::string what =
      absl::StrCat(Named("batches", partition), " from offset ", range.from, " to ", range.to);
  int32_t bytes = options_.fetch_bytes;
  WEIR_RETURN_IF_ERROR(Retry(what, timeout, [&](absl::Duration deadline) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(result.offsets, OffsetsNow(partition, deadline));
    result.headers.clear();
    int64_t next = std::max(range.from, result.offsets.log_start_offset);
    const int64_t end = std::min(range.to, result.offsets.high_watermark);
    while (next < end) {
      if (clock_.Monotonic() >= deadline) return absl::UnavailableError("there is more to read");
      WEIR_RETURN_IF_ERROR(FetchHeaders(partition, next, bytes, deadline, result.headers));
    }
    while (!result.headers.empty() && result.headers.back().base_offset >= range.to) {
      result.headers.pop_back();
    }
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace weir::kafka

// WireTransactionClient's offsets: those that transactions write, and those that groups have.
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/wire/add_offsets_to_txn_message.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/offset_fetch_message.h"
#include "connectors/kafka/wire/txn_offset_commit_message.h"
#include "connectors/kafka/wire/wire_transaction_client.h"

namespace weir::kafka {
namespace {

constexpr char kOtherPartitions[] = "the answer is about other partitions";

TxnOffsetCommitRequest CommitRequest(const std::string& transactional_id,
                                     ProducerIdAndEpoch producer, const TransactionOffset& offset) {
  TxnOffsetCommitRequest request;
  request.transactional_id = transactional_id;
  request.group_id = offset.group;
  request.producer_id = producer.producer_id;
  request.producer_epoch = producer.epoch;
  request.topics = {
      {offset.partition.topic, {{offset.partition.partition, offset.offset, -1, offset.metadata}}}};
  return request;
}

// The error that counts; an offset that is being written is none.
int16_t ReadOffset(const OffsetFetchResponse::Partition& answer, GroupOffset& offset) {
  if (static_cast<KafkaError>(answer.error_code) == KafkaError::kUnstableOffsetCommit) {
    offset = {GroupOffset::Kind::kUnstable, -1, ""};
    return 0;
  }
  offset = {GroupOffset::Kind::kAbsent, -1, ""};
  if (answer.committed_offset >= 0) {
    offset = {GroupOffset::Kind::kValue, answer.committed_offset, answer.metadata.value_or("")};
  }
  return answer.error_code;
}

}  // namespace

WriteOffsetAnswer WireTransactionClient::WriteOffset(const std::string& transactional_id,
                                                     ProducerIdAndEpoch producer,
                                                     const TransactionOffset& offset,
                                                     absl::Duration timeout) {
  const std::string what = absl::StrCat(
      "offset of group ", offset.group, " in the transaction of transactional id ",
      transactional_id, ", producer id ", producer.producer_id, ", epoch ", producer.epoch);
  const AddOffsetsToTxnRequest announcement{transactional_id, producer.producer_id, producer.epoch,
                                            offset.group};
  const TxnOffsetCommitRequest commit = CommitRequest(transactional_id, producer, offset);
  const absl::Duration until = clock_.Monotonic() + timeout;
  WriteOffsetAnswer answer;
  answer.detail = Retry(what, timeout, [&](absl::Duration deadline) {
    return brokers_.CallCoordinator(
        CoordinatorKeyType::kTransaction, transactional_id, announcement, deadline,
        &answer.unanswered_requests,
        [](const AddOffsetsToTxnResponse& response) -> absl::StatusOr<int16_t> {
          return response.error_code;
        });
  });
  if (!answer.detail.ok()) return answer;
  answer.detail = Retry(what, until - clock_.Monotonic(), [&](absl::Duration deadline) {
    return brokers_.CallCoordinator(
        CoordinatorKeyType::kGroup, offset.group, commit, deadline, &answer.unanswered_requests,
        [](const TxnOffsetCommitResponse& response) -> absl::StatusOr<int16_t> {
          if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
            return absl::DataLossError(kOtherPartitions);
          }
          return response.topics[0].partitions[0].error_code;
        });
  });
  return answer;
}

absl::StatusOr<GroupOffset> WireTransactionClient::FetchOffset(const std::string& group,
                                                               const TopicPartition& partition,
                                                               FetchOffsetOptions options,
                                                               absl::Duration timeout) {
  const std::string what = absl::StrCat("offset of group ", group, " for partition ",
                                        partition.partition, " of Kafka topic ", partition.topic);
  OffsetFetchRequest request;
  request.group_id = group;
  request.topics.emplace().push_back({partition.topic, {partition.partition}});
  request.require_stable = options.require_stable;
  GroupOffset result;
  WEIR_RETURN_IF_ERROR(Retry(what, timeout, [&](absl::Duration deadline) {
    return brokers_.CallCoordinator(
        CoordinatorKeyType::kGroup, group, request, deadline, nullptr,
        [&](const OffsetFetchResponse& response) -> absl::StatusOr<int16_t> {
          if (response.error_code != 0) return response.error_code;
          if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
            return absl::DataLossError(kOtherPartitions);
          }
          return ReadOffset(response.topics[0].partitions[0], result);
        });
  }));
  return result;
}

absl::StatusOr<std::map<TopicPartition, GroupOffset>> WireTransactionClient::FetchGroupOffsets(
    const std::string& group, FetchOffsetOptions options, absl::Duration timeout) {
  OffsetFetchRequest request;
  request.group_id = group;
  request.require_stable = options.require_stable;
  std::map<TopicPartition, GroupOffset> all;
  const std::string what = absl::StrCat("offsets of group ", group);
  WEIR_RETURN_IF_ERROR(Retry(what, timeout, [&](absl::Duration deadline) {
    return brokers_.CallCoordinator(
        CoordinatorKeyType::kGroup, group, request, deadline, nullptr,
        [&](const OffsetFetchResponse& response) -> absl::StatusOr<int16_t> {
          all.clear();
          for (const OffsetFetchResponse::Topic& topic : response.topics) {
            for (const OffsetFetchResponse::Partition& partition : topic.partitions) {
              GroupOffset offset;
              if (const int16_t error = ReadOffset(partition, offset); error != 0) return error;
              if (offset.kind == GroupOffset::Kind::kAbsent) continue;
              all[{topic.name, partition.partition_index}] = std::move(offset);
            }
          }
          return response.error_code;
        });
  }));
  return all;
}

}  // namespace weir::kafka

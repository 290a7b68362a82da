#include "tests/sim/broker/model_transaction_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::sim {

using kafka::EndTransactionOutcome;
using kafka::KafkaError;

absl::Status StatusOfAnswer(const BrokerAnswer& answer, const std::string& what) {
  if (!answer.status.ok()) return answer.status;
  const std::string text =
      absl::StrCat(what, ": the broker answers ", kafka::KafkaErrorText(answer.error));
  switch (answer.error) {
    case KafkaError::kNone:
      return absl::OkStatus();
    case KafkaError::kInvalidTransactionTimeout:
      return absl::InvalidArgumentError(text);
    case KafkaError::kUnknownTopicOrPartition:
      return absl::NotFoundError(text);
    case KafkaError::kProducerFenced:
    case KafkaError::kInvalidProducerEpoch:
      return absl::AbortedError(text);
    default:
      return absl::InternalError(text);
  }
}

BrokerAnswer ModelTransactionClient::Do(std::string what, absl::Duration timeout,
                                        std::function<KafkaError()> request) {
  BrokerCall call;
  call.what = std::move(what);
  call.timeout = timeout;
  call.request = std::move(request);
  call.cancelled = [cancelled = cancelled_] { return cancelled->load(); };
  return link_.Do(std::move(call));
}

kafka::EndTransactionAnswer ModelTransactionClient::EndTransaction(
    const std::string& id, kafka::ProducerIdAndEpoch producer, kafka::TransactionResult result,
    absl::Duration timeout) {
  const std::string what = absl::StrCat(
      result == kafka::TransactionResult::kCommit ? "commit" : "abort", " of transactional id ", id,
      ", producer id ", producer.producer_id, ", epoch ", producer.epoch);
  const BrokerAnswer answered = Do(what, timeout, [&broker = broker_, id, producer, result] {
    return broker.EndTransaction(id, producer, result);
  });
  kafka::EndTransactionAnswer answer;
  answer.unanswered_requests = answered.unanswered;
  answer.detail = StatusOfAnswer(answered, what);
  if (!answered.status.ok()) return answer;
  switch (answered.error) {
    case KafkaError::kNone:
      answer.outcome = EndTransactionOutcome::kDone;
      break;
    case KafkaError::kInvalidTxnState:
      answer.outcome = EndTransactionOutcome::kInvalidTxnState;
      break;
    case KafkaError::kProducerFenced:
    case KafkaError::kInvalidProducerEpoch:
      answer.outcome = EndTransactionOutcome::kFenced;
      break;
    case KafkaError::kInvalidProducerIdMapping:
      answer.outcome = EndTransactionOutcome::kUnknownProducerMapping;
      break;
    default:
      answer.outcome = EndTransactionOutcome::kRefused;
  }
  return answer;
}

kafka::WriteOffsetAnswer ModelTransactionClient::WriteOffset(const std::string& id,
                                                             kafka::ProducerIdAndEpoch producer,
                                                             const kafka::TransactionOffset& offset,
                                                             absl::Duration timeout) {
  const std::string what = absl::StrCat("offset of group ", offset.group,
                                        " in the transaction of transactional id ", id);
  const kafka::TopicPartition partition = TransactionBroker::OffsetsPartition(offset.group);
  const BrokerAnswer added = Do(what, timeout, [&broker = broker_, id, producer, partition] {
    return broker.AddPartitions(id, producer, {partition});
  });
  kafka::WriteOffsetAnswer answer{added.unanswered, StatusOfAnswer(added, what)};
  if (!answer.detail.ok()) return answer;
  const PendingOffset pending{offset.group, offset.partition, offset.offset, offset.metadata};
  const BrokerAnswer written = Do(what, timeout, [&broker = broker_, id, producer, pending] {
    return broker.CommitOffset(id, producer, pending);
  });
  answer.unanswered_requests += written.unanswered;
  answer.detail = StatusOfAnswer(written, what);
  return answer;
}

absl::StatusOr<kafka::ProducerIdAndEpoch> ModelTransactionClient::InitProducerId(
    const std::string& id, absl::Duration transaction_timeout, absl::Duration timeout) {
  const auto producer = std::make_shared<kafka::ProducerIdAndEpoch>();
  const std::string what = absl::StrCat("take-over of transactional id ", id);
  const BrokerAnswer answer =
      Do(what, timeout, [&broker = broker_, id, transaction_timeout, producer] {
        return broker.InitProducerId(id, transaction_timeout, producer.get());
      });
  WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
  return *producer;
}

absl::StatusOr<std::vector<kafka::ListedTransaction>> ModelTransactionClient::ListTransactions(
    const std::vector<kafka::TransactionState>& states, absl::Duration timeout) {
  const auto listed = std::make_shared<std::vector<kafka::ListedTransaction>>();
  const std::string what = "list of transactions";
  const BrokerAnswer answer =
      Do(what, timeout, [&broker = broker_, listed] { return broker.List(listed.get()); });
  WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
  std::vector<kafka::ListedTransaction> found = *listed;
  std::erase_if(found, [&states](const kafka::ListedTransaction& one) {
    return !states.empty() && std::count(states.begin(), states.end(), one.state) == 0;
  });
  return found;
}

absl::StatusOr<std::map<std::string, kafka::DescribedTransaction>>
ModelTransactionClient::DescribeTransactions(const std::vector<std::string>& ids,
                                             absl::Duration timeout) {
  std::map<std::string, kafka::DescribedTransaction> all;
  for (const std::string& id : ids) {
    const auto described = std::make_shared<kafka::DescribedTransaction>();
    const std::string what = absl::StrCat("description of transactional id ", id);
    const BrokerAnswer answer = Do(what, timeout, [&broker = broker_, id, described] {
      return broker.Describe(id, described.get());
    });
    if (answer.status.ok() && answer.error == KafkaError::kTransactionalIdNotFound) continue;
    WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
    all[id] = *described;
  }
  return all;
}

absl::StatusOr<kafka::GroupOffset> ModelTransactionClient::FetchOffset(
    const std::string& group, const kafka::TopicPartition& partition, FetchOffsetOptions options,
    absl::Duration timeout) {
  const auto offset = std::make_shared<kafka::GroupOffset>();
  const std::string what = absl::StrCat("offset of group ", group);
  const BrokerAnswer answer =
      Do(what, timeout, [&broker = broker_, group, partition, options, offset] {
        return broker.FetchOffset(group, partition, options, offset.get());
      });
  WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
  return *offset;
}

absl::StatusOr<std::map<kafka::TopicPartition, kafka::GroupOffset>>
ModelTransactionClient::FetchGroupOffsets(const std::string& group, FetchOffsetOptions options,
                                          absl::Duration timeout) {
  const auto all = std::make_shared<std::map<kafka::TopicPartition, kafka::GroupOffset>>();
  const std::string what = absl::StrCat("offsets of group ", group);
  const BrokerAnswer answer = Do(what, timeout, [&broker = broker_, group, options, all] {
    return broker.FetchGroupOffsets(group, options, all.get());
  });
  WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
  return *all;
}

absl::StatusOr<kafka::PartitionOffsets> ModelTransactionClient::FetchPartitionOffsets(
    const kafka::TopicPartition& partition, absl::Duration timeout) {
  WEIR_ASSIGN_OR_RETURN(const kafka::RecordBatchRange range,
                        ReadBatchHeaders(partition, {0, 0}, timeout));
  return range.offsets;
}

absl::StatusOr<kafka::RecordBatchRange> ModelTransactionClient::ReadBatchHeaders(
    const kafka::TopicPartition& partition, OffsetRange range, absl::Duration timeout) {
  const auto read = std::make_shared<kafka::RecordBatchRange>();
  const std::string what =
      absl::StrCat("fetch of partition ", partition.partition, " of Kafka topic ", partition.topic);
  const BrokerAnswer answer = Do(what, timeout, [&broker = broker_, partition, range, read] {
    PartitionLog* log = nullptr;
    const KafkaError error = broker.Log(partition, &log);
    if (error != KafkaError::kNone) return error;
    read->offsets = log->offsets();
    read->headers = log->Headers(range.from, range.to);
    return error;
  });
  WEIR_RETURN_IF_ERROR(StatusOfAnswer(answer, what));
  return *read;
}

}  // namespace weir::sim

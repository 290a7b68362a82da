#include "connectors/kafka/transactional/transaction_replay.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/record_checksum.h"
#include "connectors/kafka/transactional/transactional_configuration.h"
#include "connectors/kafka/transactional/transactional_id.h"

namespace weir::kafka {

namespace {

constexpr int64_t kOffsetsAtOnce = 10'000;

}  // namespace

TransactionReplay::TransactionReplay(Options options, const KafkaClientFactory& clients,
                                     TransactionClient& client, TransactionOutcomes& outcomes,
                                     TransactionStepObserver& steps)
    : options_(std::move(options)),
      id_(ReplayId(options_.prefix)),
      clients_(clients),
      client_(client),
      outcomes_(outcomes),
      steps_(steps) {}

absl::StatusOr<uint64_t> TransactionReplay::Publish(const std::vector<Committable>& committables) {
  WEIR_RETURN_IF_ERROR(TakeOver(committables.front().topic));
  // Only now: whoever published before us is fenced, and its transaction decided.
  std::vector<size_t> missing;
  for (size_t i = 0; i < committables.size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(const TransactionOutcome outcome, outcomes_.Read(committables[i]));
    if (outcome != TransactionOutcome::kCommitted) missing.push_back(i);
  }
  if (missing.empty()) return 0;
  const absl::Status published = PublishAll(committables, missing);
  if (published.ok()) return accounts_.sent();
  if (loss_.has_value()) {
    // Nobody comes back soon: an open transaction would hide everything behind it from readers.
    producer_.reset();
    WEIR_RETURN_IF_ERROR(
        client_.InitProducerId(id_, options_.transaction_timeout, options_.timeout).status());
  }
  return published;
}

absl::Status TransactionReplay::TakeOver(const std::string& topic) {
  TransactionalProducerOptions producer;
  producer.configuration =
      TransactionalConfiguration(options_.configuration, options_.transaction_timeout);
  producer.configuration.values["transactional.id"] = id_;
  producer.topic = topic;
  producer.wakeup = [] {};
  producer.cancelled = std::make_shared<std::atomic<bool>>(false);
  WEIR_ASSIGN_OR_RETURN(producer_, clients_.MakeTransactionalProducer(producer));
  WEIR_ASSIGN_OR_RETURN(reader_, clients_.MakeRecordReader(options_.configuration));
  WEIR_RETURN_IF_ERROR(producer_->Init(options_.timeout));
  // Before any record: where one is acknowledged later, nobody had fenced us by now, and the pair
  // is ours.
  WEIR_ASSIGN_OR_RETURN(const auto described,
                        client_.DescribeTransactions({id_}, options_.timeout));
  const auto found = described.find(id_);
  if (found == described.end()) {
    return absl::InternalError(
        absl::StrCat("Kafka's transaction coordinator does not know '", id_, "'"));
  }
  identity_ = found->second.producer;
  return absl::OkStatus();
}

absl::Status TransactionReplay::PublishAll(const std::vector<Committable>& committables,
                                           const std::vector<size_t>& missing) {
  WEIR_RETURN_IF_ERROR(producer_->Begin(accounts_));
  for (const size_t index : missing) {
    current_ = index;
    for (const auto& [partition, range] : committables[index].ranges) {
      WEIR_RETURN_IF_ERROR(PublishRange(committables[index], partition, range));
    }
  }
  WEIR_RETURN_IF_ERROR(producer_->Flush(options_.timeout));
  const bool records = accounts_.sent() > 0;
  if (records) {
    WEIR_RETURN_IF_ERROR(accounts_.CheckComplete());
  } else {
    // No record proves that the pair is ours: it is taken anew.
    WEIR_ASSIGN_OR_RETURN(
        identity_, client_.InitProducerId(id_, options_.transaction_timeout, options_.timeout));
  }
  for (const size_t index : missing) WEIR_RETURN_IF_ERROR(WriteMarker(committables[index]));
  steps_.OnStep(TransactionStep::kDuringReplay, id_);
  WEIR_RETURN_IF_ERROR(Commit(records));
  for (const size_t index : missing) {
    const Committable& committable = committables[index];
    WEIR_RETURN_IF_ERROR(outcomes_.AwaitCommitted(committable));
    LogWarning("an aborted transaction was published again",
               {{"id", committable.transactional_id},
                {"epoch", committable.marker.epoch},
                {"records", committable.DescribeRanges()}});
  }
  return absl::OkStatus();
}

absl::Status TransactionReplay::Commit(bool records) {
  if (records) {
    WEIR_RETURN_IF_ERROR(producer_->Commit(options_.timeout));
    repeated_ = repeated_ || producer_->repeated();
  } else {
    const EndTransactionAnswer answer =
        client_.EndTransaction(id_, identity_, TransactionResult::kCommit, options_.timeout);
    repeated_ = repeated_ || answer.unanswered_requests > 0;
    WEIR_RETURN_IF_ERROR(answer.detail);
  }
  if (!repeated_) return absl::OkStatus();
  // A late request would open another transaction, which nobody would end.
  producer_.reset();
  return client_.InitProducerId(id_, options_.transaction_timeout, options_.timeout).status();
}

absl::Status TransactionReplay::WriteMarker(const Committable& committable) {
  const TransactionOffset marker{committable.transactional_id,
                                 {committable.topic, 0},
                                 static_cast<int64_t>(committable.marker.epoch.value()),
                                 committable.marker.Encode()};
  const WriteOffsetAnswer answer = client_.WriteOffset(id_, identity_, marker, options_.timeout);
  repeated_ = repeated_ || answer.unanswered_requests > 0;
  return answer.detail;
}

absl::Status TransactionReplay::PublishRange(const Committable& committable, int32_t partition,
                                             const WrittenRange& range) {
  const TopicPartition where{committable.topic, partition};
  WEIR_ASSIGN_OR_RETURN(const std::vector<Stretch> stretches,
                        FindStretches(committable, where, range));
  WrittenRange read;
  size_t at = 0;
  const auto publish = [&](std::span<const StoredRecord> records) {
    std::vector<OutgoingMessage> messages;
    for (const StoredRecord& record : records) {
      while (at < stretches.size() && stretches[at].last < record.offset) ++at;
      if (at == stretches.size() || record.offset < stretches[at].first) continue;  // of others
      ++read.count;
      read.checksum += RecordChecksum(record.key, record.value);
      messages.push_back({record.key, record.value, std::max<int64_t>(record.timestamp_ms, 0),
                          partition, record.headers});
    }
    return Send(std::move(messages));
  };
  WEIR_RETURN_IF_ERROR(
      reader_->Read(where, range.first_offset, range.last_offset, options_.timeout, publish));
  if (read.count == range.count && read.checksum == range.checksum) return absl::OkStatus();
  return Lost(absl::StrCat("partition ", partition, " has ", read.count, " of its ", range.count,
                           " records", read.count == range.count ? ", with another content" : ""));
}

// The batches tell what belongs to the transaction; a consumer does not.
absl::StatusOr<std::vector<TransactionReplay::Stretch>> TransactionReplay::FindStretches(
    const Committable& committable, const TopicPartition& partition, const WrittenRange& range) {
  std::vector<Stretch> stretches;
  // Gigabytes may lie in between: each step has the whole timeout.
  for (int64_t from = range.first_offset; from <= range.last_offset; from += kOffsetsAtOnce) {
    const int64_t to = std::min(from + kOffsetsAtOnce, range.last_offset + 1);
    WEIR_ASSIGN_OR_RETURN(const RecordBatchRange batches,
                          client_.ReadBatchHeaders(partition, {from, to}, options_.timeout));
    options_.on_progress();
    if (batches.offsets.log_start_offset > from) {
      WEIR_RETURN_IF_ERROR(
          Lost(absl::StrCat("partition ", partition.partition, " begins at offset ",
                            batches.offsets.log_start_offset)));
    }
    for (const RecordBatchHeader& batch : batches.headers) {
      const ProducerIdAndEpoch writer{batch.producer_id, batch.producer_epoch};
      if (batch.control || writer != committable.marker.producer) continue;
      // One that spans two steps is in both.
      if (!stretches.empty() && batch.base_offset <= stretches.back().last) continue;
      stretches.push_back({batch.base_offset, batch.last_offset});
    }
  }
  return stretches;
}

absl::Status TransactionReplay::Send(std::vector<OutgoingMessage> messages) {
  size_t bytes = 0;
  for (const OutgoingMessage& message : messages) bytes += message.key.size + message.value.size;
  accounts_.Sent(messages.size(), bytes);
  std::span<const OutgoingMessage> rest(messages);
  while (!rest.empty()) {
    WEIR_ASSIGN_OR_RETURN(const size_t taken, producer_->Produce(rest));
    rest = rest.subspan(taken);
    WEIR_RETURN_IF_ERROR(rest.empty() ? producer_->Poll() : producer_->Flush(options_.timeout));
    WEIR_RETURN_IF_ERROR(accounts_.error());
  }
  options_.on_progress();
  return absl::OkStatus();
}

absl::Status TransactionReplay::Lost(const std::string& why) {
  if (options_.rest_suffices) {
    LogError("records of an aborted transaction are gone", {{"reason", why}});
    return absl::OkStatus();
  }
  loss_ = Loss{current_, why};
  return absl::DataLossError(why);
}

}  // namespace weir::kafka

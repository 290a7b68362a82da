#include "connectors/kafka/kafka_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr int64_t kMicrosPerMilli = 1000;
// As Flink: a record without a timestamp (message format 0) is before everything.
constexpr int64_t kNoTimestamp = std::numeric_limits<int64_t>::min();

int64_t EventTimeOf(const ConsumedMessage& message) {
  return message.timestamp_ms < 0 ? kNoTimestamp : message.timestamp_ms * kMicrosPerMilli;
}

}  // namespace

KafkaReader::KafkaReader(ResolvedSourceOptions options,
                         std::shared_ptr<const KafkaClientFactory> clients, uint32_t subtask_index)
    : options_(std::move(options)),
      clients_(std::move(clients)),
      subtask_index_(subtask_index),
      deserializer_(options_.value_format.MakeDeserializer(options_.options.schema)),
      builder_(options_.options.schema) {}

absl::Status KafkaReader::OpenClient() {
  if (client_ != nullptr) return absl::OkStatus();
  ClientConfiguration configuration = options_.configuration;
  if (!options_.client_id_prefix.empty()) {
    configuration.values["client.id"] =
        absl::StrCat(options_.client_id_prefix, "-", subtask_index_);
  }
  WEIR_ASSIGN_OR_RETURN(client_, clients_->MakeConsumer(configuration, wakeup_));
  return absl::OkStatus();
}

absl::Status KafkaReader::AddSplits(const std::vector<SourceSplit>& splits) {
  splits_added_ = true;
  std::vector<PartitionOffset> to_assign;
  for (const SourceSplit& given : splits) {
    WEIR_ASSIGN_OR_RETURN(const KafkaSplit at, DecodeKafkaPosition(given.position));
    Split split;
    split.given = given;
    split.at = at;
    split.finished = given.finished || at.AtEnd();
    if (!split.finished) {
      split.assignment = static_cast<int64_t>(split_of_assignment_.size());
      split_of_assignment_.push_back(splits_.size());
      to_assign.push_back({at.topic, at.partition, at.offset});
    }
    splits_.push_back(std::move(split));
  }
  if (to_assign.empty()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(OpenClient());
  return client_->Assign(to_assign);
}

absl::StatusOr<ReadResult> KafkaReader::Poll() {
  ReadResult result;
  if (groups_.empty()) {
    if (AllFinished()) {
      result.next = ReadResult::Next::kEndOfInput;
      return result;
    }
    if (client_ == nullptr) return result;  // kWait: no partition yet
    WEIR_RETURN_IF_ERROR(ConsumeMore());
    if (groups_.empty()) {
      CountIdleSplits();
      WEIR_RETURN_IF_ERROR(AdvancePositions(/*only_bounded=*/true));
      if (AllFinished()) result.next = ReadResult::Next::kEndOfInput;
      return result;
    }
  }
  Group& group = groups_.front();
  result.split = group.split;
  result.next = ReadResult::Next::kMore;
  WEIR_ASSIGN_OR_RETURN(result.batch, TakeBatch(group));
  if (group.next == group.end) groups_.pop_front();
  if (groups_.empty()) WEIR_RETURN_IF_ERROR(AdvancePositions(/*only_bounded=*/true));
  return result;
}

absl::Status KafkaReader::ConsumeMore() {
  WEIR_RETURN_IF_ERROR(client_->Consume(options_.max_poll_records, &consumed_));
  if (!consumed_.messages.empty()) GroupMessages();
  return absl::OkStatus();
}

// Messages come in runs of one partition. A stable sort by partition makes one group of several
// runs of the same one.
void KafkaReader::GroupMessages() {
  messages_.clear();
  std::swap(messages_, consumed_.messages);
  const auto by_assignment = [](const ConsumedMessage& a, const ConsumedMessage& b) {
    return a.assignment < b.assignment;
  };
  if (!std::is_sorted(messages_.begin(), messages_.end(), by_assignment)) {
    std::stable_sort(messages_.begin(), messages_.end(), by_assignment);
  }
  size_t begin = 0;
  while (begin < messages_.size()) {
    size_t end = begin + 1;
    while (end < messages_.size() && messages_[end].assignment == messages_[begin].assignment) {
      ++end;
    }
    const size_t split = split_of_assignment_[messages_[begin].assignment];
    if (!splits_[split].finished) {
      groups_.push_back({split, begin, end});
      splits_[split].pending = end - begin;
      splits_[split].recount = true;
    }
    begin = end;
  }
}

size_t KafkaReader::CollectPayloads(const Group& group) {
  const std::optional<int64_t>& stop = splits_[group.split].at.stop_offset;
  payloads_.clear();
  size_t bytes = 0;
  for (size_t i = group.next; i < group.end && (payloads_.empty() || bytes < kBatchBytes); ++i) {
    if (stop.has_value() && messages_[i].offset >= *stop) break;
    payloads_.push_back(messages_[i].value);
    bytes += messages_[i].value.size;
  }
  return payloads_.size();
}

absl::StatusOr<BatchPtr> KafkaReader::TakeBatch(Group& group) {
  Split& split = splits_[group.split];
  const size_t count = CollectPayloads(group);
  BatchPtr batch;
  size_t taken = count;
  if (count > 0) {
    failed_.clear();
    const absl::Status status = deserializer_->Deserialize(payloads_, builder_, &failed_);
    const bool full = status.code() == absl::StatusCode::kResourceExhausted;
    if (!status.ok() && (!full || builder_.rows() == 0)) return status;
    FindKept(group, count);
    // A column is full: what fitted goes first, the rest with the next batch.
    if (full) {
      kept_.resize(builder_.rows());
      taken = kept_.back() - group.next + 1;
    }
    WEIR_RETURN_IF_ERROR(TellFailures(split, group, taken));
    builder_.Truncate(kept_.size());
    if (!kept_.empty()) {
      batch = std::make_shared<const Batch>(builder_.Finish(MakeExtras(split)));
    }
    split.at.offset = messages_[group.next + taken - 1].offset + 1;
  }
  group.next += taken;
  split.pending -= taken;
  CountPending(split, split.at.offset);
  const bool at_stop = split.at.stop_offset.has_value() && group.next < group.end &&
                       messages_[group.next].offset >= *split.at.stop_offset;
  if (at_stop || split.at.AtEnd()) {
    group.next = group.end;
    WEIR_RETURN_IF_ERROR(Finish(split));
  }
  return batch;
}

void KafkaReader::FindKept(const Group& group, size_t count) {
  kept_.clear();
  auto failed = failed_.begin();
  for (size_t i = 0; i < count; ++i) {
    if (failed != failed_.end() && failed->row == i) {
      ++failed;
    } else {
      kept_.push_back(group.next + i);
    }
  }
}

absl::Status KafkaReader::TellFailures(const Split& split, const Group& group, size_t taken) {
  for (const DecodeError& error : failed_) {
    if (error.row >= taken) break;
    const ConsumedMessage& message = messages_[group.next + error.row];
    const std::string reason = absl::StrCat("a record cannot be read as ",
                                            options_.value_format.name(), ": ", error.reason);
    if (errors_ == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(reason, "; topic ", split.at.topic,
                                                     ", partition ", split.at.partition,
                                                     ", offset ", message.offset));
    }
    FailedRecord record;
    record.key = message.key;
    record.value = message.value;
    record.topic = split.at.topic;
    record.partition = split.at.partition;
    record.offset = message.offset;
    record.event_time_us = EventTimeOf(message);
    record.reason = reason;
    WEIR_RETURN_IF_ERROR(errors_->OnFailedRecord(record));
  }
  return absl::OkStatus();
}

BatchExtras KafkaReader::MakeExtras(const Split& split) {
  const size_t rows = kept_.size();
  std::vector<int64_t> event_times(rows);
  auto provenance = std::make_shared<Provenance>();
  provenance->topic = split.at.topic;
  provenance->partition = split.at.partition;
  for (size_t i = 0; i < rows; ++i) event_times[i] = EventTimeOf(messages_[kept_[i]]);
  const int64_t first = messages_[kept_.front()].offset;
  if (messages_[kept_.back()].offset - first == static_cast<int64_t>(rows) - 1) {
    provenance->first_offset = first;
  } else {
    provenance->offsets.reserve(rows);
    for (const size_t kept : kept_) provenance->offsets.push_back(messages_[kept].offset);
  }
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::move(event_times));
  extras.provenance = std::move(provenance);
  return extras;
}

absl::Status KafkaReader::AdvancePositions(bool only_bounded) {
  for (Split& split : splits_) {
    if (split.finished || split.pending > 0 || split.assignment < 0) continue;
    if (only_bounded && !split.at.stop_offset.has_value()) continue;
    const int64_t position = client_->Position(static_cast<size_t>(split.assignment));
    split.at.offset = std::max(split.at.offset, position);
    if (split.at.AtEnd()) WEIR_RETURN_IF_ERROR(Finish(split));
  }
  return absl::OkStatus();
}

bool KafkaReader::CountPending(const Split& split, int64_t position) {
  int64_t end = client_->EndOffset(static_cast<size_t>(split.assignment));
  if (end < 0) return false;
  if (split.at.stop_offset.has_value()) end = std::min(end, *split.at.stop_offset);
  pending_->Set(split.given.id, std::max<int64_t>(end - position, 0));
  return true;
}

// Nothing came: what is behind the last records of a split is control records, which count as read.
void KafkaReader::CountIdleSplits() {
  for (Split& split : splits_) {
    if (!split.recount || split.finished || split.assignment < 0) continue;
    const int64_t position = client_->Position(static_cast<size_t>(split.assignment));
    split.recount = !CountPending(split, std::max(split.at.offset, position));
  }
}

absl::Status KafkaReader::Finish(Split& split) {
  pending_->Set(split.given.id, 0);
  split.finished = true;
  split.pending = 0;
  split.at.offset = *split.at.stop_offset;
  return client_->Unassign(static_cast<size_t>(split.assignment));
}

bool KafkaReader::AllFinished() const {
  if (!splits_added_ || !options_.options.stopping_offsets.has_value()) return false;
  return std::all_of(splits_.begin(), splits_.end(),
                     [](const Split& split) { return split.finished; });
}

absl::StatusOr<std::vector<SourceSplit>> KafkaReader::Snapshot() {
  if (client_ != nullptr) WEIR_RETURN_IF_ERROR(AdvancePositions(/*only_bounded=*/false));
  if (groups_.empty()) CountIdleSplits();
  std::vector<SourceSplit> result;
  result.reserve(splits_.size());
  for (const Split& split : splits_) {
    SourceSplit snapshot = split.given;
    snapshot.position = EncodeKafkaPosition(split.at);
    snapshot.finished = split.finished;
    result.push_back(std::move(snapshot));
  }
  return result;
}

void KafkaReader::NotifyCheckpointComplete(const std::vector<SourceSplit>& splits) {
  if (!options_.commit_offsets || client_ == nullptr) return;
  std::vector<PartitionOffset> offsets;
  for (const SourceSplit& split : splits) {
    const absl::StatusOr<KafkaSplit> at = DecodeKafkaPosition(split.position);
    if (at.ok()) offsets.push_back({at->topic, at->partition, at->offset});
  }
  client_->CommitOffsets(offsets);
}

KafkaConsumerClient::CommitCounts KafkaReader::commit_counts() const {
  return client_ == nullptr ? KafkaConsumerClient::CommitCounts() : client_->commit_counts();
}

}  // namespace weir::kafka

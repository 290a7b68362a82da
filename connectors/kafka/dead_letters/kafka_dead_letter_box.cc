#include "connectors/kafka/dead_letters/kafka_dead_letter_box.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/consumer_record_reader.h"
#include "connectors/kafka/dead_letters/dead_letter_headers.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kStepTimeout = absl::Seconds(10);
constexpr size_t kLettersAtOnce = 1'000;
constexpr size_t kBytesAtOnce = size_t{1} << 20;

std::string HeaderOf(const StoredRecord& record, const std::string& name) {
  if (record.headers == nullptr) return "";
  for (const auto& [key, value] : *record.headers) {
    if (key == name) return value;
  }
  return "";
}

std::optional<std::string> Bytes(const Payload& payload) {
  if (payload.null) return std::nullopt;
  return std::string(payload.data == nullptr ? "" : payload.data, payload.size);
}

// Ends a reading that has what it wants.
absl::Status Enough() { return absl::OutOfRangeError("enough"); }

/// Letters of one partition on their way back, and the transactions they go in.
class Batches {
 public:
  Batches(const std::string& topic, int32_t partition, DeadLetterReplay& replay)
      : topic_(topic), partition_(partition), replay_(replay) {}

  absl::Status Add(const StoredRecord& record, const std::string& target, int32_t to_partition) {
    if (!letters_.empty() &&
        (target != target_ || letters_.size() >= kLettersAtOnce || bytes_ >= kBytesAtOnce)) {
      WEIR_RETURN_IF_ERROR(Flush());
    }
    target_ = target;
    ReplayedLetter& letter = letters_.emplace_back();
    letter.key = Bytes(record.key);
    letter.value = Bytes(record.value);
    letter.timestamp_ms = std::max<int64_t>(record.timestamp_ms, 0);
    letter.partition = to_partition;
    letter.headers = {{kReplayedHeader, absl::StrCat(topic_, "-", partition_, "@", record.offset)}};
    bytes_ += record.key.size + record.value.size;
    next_ = record.offset + 1;
    return absl::OkStatus();
  }
  absl::Status Flush() {
    if (letters_.empty()) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(replay_.Publish(target_, letters_, next_));
    published_ += letters_.size();
    letters_.clear();
    bytes_ = 0;
    return absl::OkStatus();
  }
  uint64_t taken() const { return published_ + letters_.size(); }

 private:
  const std::string& topic_;
  const int32_t partition_;
  DeadLetterReplay& replay_;
  std::string target_;
  std::vector<ReplayedLetter> letters_;
  size_t bytes_ = 0;
  int64_t next_ = 0;
  uint64_t published_ = 0;
};

}  // namespace

std::string KafkaDeadLetterBox::group() const {
  return absl::StrCat("weir-dead-letters~", setup_.topic, "~", setup_.origin.job_id, "~",
                      setup_.origin.operator_uid);
}

bool KafkaDeadLetterBox::Mine(const StoredRecord& record) const {
  return HeaderOf(record, kErrorJobIdHeader) == setup_.origin.job_id &&
         HeaderOf(record, kErrorOperatorUidHeader) == setup_.origin.operator_uid;
}

absl::Status KafkaDeadLetterBox::Connect() {
  if (client_ != nullptr) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(client_, setup_.transaction_clients());
  reader_ = MakeConsumerRecordReader(*setup_.clients, setup_.configuration, clock_,
                                     ReadIsolation::kCommitted);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DeadLetterPartition>> KafkaDeadLetterBox::List() {
  WEIR_RETURN_IF_ERROR(Connect());
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<KafkaAdminClient> admin,
                        setup_.clients->MakeAdmin(setup_.configuration, kStepTimeout));
  WEIR_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, admin->Partitions(setup_.topic));
  std::vector<DeadLetterPartition> rows;
  for (const int32_t partition : partitions) {
    const TopicPartition where{setup_.topic, partition};
    WEIR_ASSIGN_OR_RETURN(const PartitionOffsets offsets,
                          client_->FetchPartitionOffsets(where, kStepTimeout));
    WEIR_ASSIGN_OR_RETURN(const GroupOffset replayed,
                          client_->FetchOffset(group(), where, {false}, kStepTimeout));
    DeadLetterPartition& row = rows.emplace_back();
    row.partition = partition;
    row.begin = offsets.log_start_offset;
    row.end = offsets.last_stable_offset;
    if (replayed.kind == GroupOffset::Kind::kValue) row.replayed_to = replayed.offset;
  }
  return rows;
}

absl::StatusOr<std::vector<StoredDeadLetter>> KafkaDeadLetterBox::Read(const ReadOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<DeadLetterPartition> partitions, List());
  std::vector<StoredDeadLetter> letters;
  for (const DeadLetterPartition& row : partitions) {
    const int64_t first =
        options.all ? row.begin : std::max(row.begin, row.replayed_to.value_or(row.begin));
    if (first >= row.end || letters.size() >= options.limit) continue;
    const auto take = [&](std::span<const StoredRecord> records) {
      for (const StoredRecord& record : records) {
        if (!Mine(record)) continue;
        StoredDeadLetter& letter = letters.emplace_back();
        letter.partition = row.partition;
        letter.offset = record.offset;
        letter.timestamp_ms = record.timestamp_ms;
        letter.headers = {record.headers->begin(), record.headers->end()};
        letter.key = Bytes(record.key);
        letter.value = Bytes(record.value);
        if (letters.size() >= options.limit) return Enough();
      }
      return absl::OkStatus();
    };
    const absl::Status read =
        reader_->Read({setup_.topic, row.partition}, first, row.end - 1, kStepTimeout, take);
    if (!read.ok() && letters.size() < options.limit) return read;
  }
  return letters;
}

absl::StatusOr<uint64_t> KafkaDeadLetterBox::Replay(const ReplayOptions& options) {
  if (options.target == setup_.topic) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", setup_.topic, "' is the topic of the dead letters themselves"));
  }
  if (!setup_.origin.source && options.target.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("operator '", setup_.origin.operator_uid,
                     "' is no source: its dead letters are its input as JSON, and no topic is "
                     "theirs; --to names "
                     "one"));
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<DeadLetterPartition> partitions, List());
  DeadLetterReplay replay({setup_.configuration, group(), setup_.topic, kStepTimeout},
                          *setup_.clients, *client_);
  const uint64_t limit = options.limit == 0 ? std::numeric_limits<uint64_t>::max() : options.limit;
  uint64_t replayed = 0;
  for (const DeadLetterPartition& partition : partitions) {
    if (replayed >= limit) break;
    WEIR_ASSIGN_OR_RETURN(const uint64_t more,
                          ReplayPartition(partition, options.target, limit - replayed, replay));
    replayed += more;
  }
  WEIR_RETURN_IF_ERROR(replay.Finish());
  return replayed;
}

absl::StatusOr<uint64_t> KafkaDeadLetterBox::ReplayPartition(const DeadLetterPartition& partition,
                                                             const std::string& target,
                                                             uint64_t limit,
                                                             DeadLetterReplay& replay) {
  WEIR_ASSIGN_OR_RETURN(const std::optional<int64_t> position, replay.Begin(partition.partition));
  const int64_t first = std::max(partition.begin, position.value_or(partition.begin));
  if (first >= partition.end) return 0;
  Batches batches(setup_.topic, partition.partition, replay);
  const auto take = [&](std::span<const StoredRecord> records) -> absl::Status {
    for (const StoredRecord& record : records) {
      if (!Mine(record)) continue;
      int32_t to_partition = -1;
      const bool known = absl::SimpleAtoi(HeaderOf(record, kErrorPartitionHeader), &to_partition);
      const std::string origin = HeaderOf(record, kErrorTopicHeader);
      if (target.empty() && (origin.empty() || !known)) {
        return absl::FailedPreconditionError(absl::StrCat(
            "the dead letter at offset ", record.offset, " of partition ", partition.partition,
            " does not say where it was read; --to names a topic"));
      }
      WEIR_RETURN_IF_ERROR(batches.Add(record, target.empty() ? origin : target,
                                       target.empty() ? to_partition : -1));
      if (batches.taken() >= limit) return Enough();
    }
    return absl::OkStatus();
  };
  const absl::Status read = reader_->Read({setup_.topic, partition.partition}, first,
                                          partition.end - 1, kStepTimeout, take);
  if (!read.ok() && batches.taken() < limit) return read;
  WEIR_RETURN_IF_ERROR(batches.Flush());
  return batches.taken();
}

}  // namespace weir::kafka

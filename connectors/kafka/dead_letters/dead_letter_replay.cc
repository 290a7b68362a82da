#include "connectors/kafka/dead_letters/dead_letter_replay.h"

#include <atomic>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transactional_configuration.h"

namespace weir::kafka {
namespace {

constexpr absl::Duration kTransactionTimeout = absl::Minutes(1);

Payload View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return {nullptr, 0, true};
  return {bytes->data(), bytes->size(), false};
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> DeadLetterReplay::Begin(int32_t partition) {
  producer_.reset();
  WEIR_RETURN_IF_ERROR(
      client_.InitProducerId(options_.group, kTransactionTimeout, options_.timeout).status());
  partition_ = partition;
  WEIR_ASSIGN_OR_RETURN(position_, ReadPosition());
  return position_;
}

// Stable: what an earlier replay had open is decided by now, as it is fenced.
absl::StatusOr<std::optional<int64_t>> DeadLetterReplay::ReadPosition() {
  WEIR_ASSIGN_OR_RETURN(
      const GroupOffset offset,
      client_.FetchOffset(options_.group, {options_.topic, partition_}, {true}, options_.timeout));
  if (offset.kind == GroupOffset::Kind::kUnstable) {
    return absl::UnavailableError(absl::StrCat("the end of an earlier replay of group '",
                                               options_.group, "' is still being written"));
  }
  if (offset.kind == GroupOffset::Kind::kAbsent) return std::optional<int64_t>();
  return std::optional<int64_t>(offset.offset);
}

absl::Status DeadLetterReplay::Open(const std::string& target) {
  TransactionalProducerOptions producer;
  producer.configuration = TransactionalConfiguration(options_.configuration, kTransactionTimeout);
  producer.configuration.values["transactional.id"] = options_.group;
  producer.topic = target;
  producer.wakeup = [] {};
  producer.cancelled = std::make_shared<std::atomic<bool>>(false);
  WEIR_ASSIGN_OR_RETURN(producer_, clients_.MakeTransactionalProducer(producer));
  WEIR_RETURN_IF_ERROR(producer_->Init(options_.timeout));
  // Before any record: where one is acknowledged later, nobody had fenced us by now, and the pair
  // is ours.
  WEIR_ASSIGN_OR_RETURN(const auto described,
                        client_.DescribeTransactions({options_.group}, options_.timeout));
  const auto found = described.find(options_.group);
  if (found == described.end()) {
    return absl::InternalError(
        absl::StrCat("Kafka's transaction coordinator does not know '", options_.group, "'"));
  }
  identity_ = found->second.producer;
  WEIR_ASSIGN_OR_RETURN(const std::optional<int64_t> position, ReadPosition());
  if (position != position_) {
    return absl::AbortedError(
        absl::StrCat("another replay of '", options_.topic, "' came in between"));
  }
  target_ = target;
  return absl::OkStatus();
}

absl::Status DeadLetterReplay::Publish(const std::string& target,
                                       const std::vector<ReplayedLetter>& letters, int64_t next) {
  if (producer_ == nullptr || target_ != target) WEIR_RETURN_IF_ERROR(Open(target));
  WEIR_RETURN_IF_ERROR(producer_->Begin(accounts_));
  WEIR_RETURN_IF_ERROR(Send(letters));
  WEIR_RETURN_IF_ERROR(producer_->Flush(options_.timeout));
  WEIR_RETURN_IF_ERROR(accounts_.CheckComplete());
  const TransactionOffset progress{options_.group, {options_.topic, partition_}, next, ""};
  const WriteOffsetAnswer answer =
      client_.WriteOffset(options_.group, identity_, progress, options_.timeout);
  WEIR_RETURN_IF_ERROR(answer.detail);
  WEIR_RETURN_IF_ERROR(producer_->Commit(options_.timeout));
  position_ = next;
  if (answer.unanswered_requests == 0 && !producer_->repeated()) return absl::OkStatus();
  // A late request would open another transaction, which nobody would end.
  repeated_ = true;
  producer_.reset();
  return absl::OkStatus();
}

absl::Status DeadLetterReplay::Finish() {
  if (!repeated_) return absl::OkStatus();
  producer_.reset();
  return client_.InitProducerId(options_.group, kTransactionTimeout, options_.timeout).status();
}

absl::Status DeadLetterReplay::Send(const std::vector<ReplayedLetter>& letters) {
  std::vector<OutgoingMessage> messages;
  size_t bytes = 0;
  for (const ReplayedLetter& letter : letters) {
    OutgoingMessage& message = messages.emplace_back();
    message.key = View(letter.key);
    message.value = View(letter.value);
    message.timestamp_ms = letter.timestamp_ms;
    message.partition = letter.partition;
    message.headers = &letter.headers;
    bytes += message.key.size + message.value.size;
  }
  accounts_ = TransactionAccounts();
  accounts_.Sent(messages.size(), bytes);
  std::span<const OutgoingMessage> rest(messages);
  while (!rest.empty()) {
    WEIR_ASSIGN_OR_RETURN(const size_t taken, producer_->Produce(rest));
    rest = rest.subspan(taken);
    WEIR_RETURN_IF_ERROR(rest.empty() ? producer_->Poll() : producer_->Flush(options_.timeout));
    WEIR_RETURN_IF_ERROR(accounts_.error());
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka

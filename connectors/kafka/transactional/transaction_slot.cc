#include "connectors/kafka/transactional/transaction_slot.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace weir::kafka {

TransactionSlot::TransactionSlot(std::shared_ptr<const TransactionSlotSettings> settings,
                                 const TransactionalId& id)
    : settings_(std::move(settings)), id_(id.ToString()) {
  marker_.run = settings_->run;
  marker_.generation = settings_->generation.value();
}

void TransactionSlot::Expect(State state, const char* call) const {
  WEIR_CHECK(state_ == state) << call << " of '" << id_ << "' in state "
                              << static_cast<int>(state_);
}

std::optional<absl::Duration> TransactionSlot::begun_at() const {
  switch (state_) {
    case State::kOpen:
    case State::kPreparing:
    case State::kPrepared:
    case State::kCommitting:
      return begun_at_;
    case State::kWarming:
    case State::kReady:
    case State::kCommitted:
      break;
  }
  return std::nullopt;
}

void TransactionSlot::FinishWarming() {
  Expect(State::kWarming, "FinishWarming");
  state_ = State::kReady;
}

absl::Status TransactionSlot::Open(absl::Duration now) {
  Expect(State::kReady, "Open");
  WEIR_CHECK(!retired_) << id_;
  accounts_ = TransactionAccounts();
  produced_ = false;
  delivered_.store(false);
  committable_ = Committable();
  WEIR_RETURN_IF_ERROR(producer_->Begin(accounts_));
  begun_at_ = now;
  state_ = State::kOpen;
  return absl::OkStatus();
}

void TransactionSlot::StartPreparing(Epoch epoch) {
  Expect(State::kOpen, "StartPreparing");
  marker_.epoch = epoch;
  state_ = State::kPreparing;
}

void TransactionSlot::FinishPreparing() {
  Expect(State::kPreparing, "FinishPreparing");
  state_ = State::kPrepared;
}

void TransactionSlot::StartCommitting() {
  Expect(State::kPrepared, "StartCommitting");
  state_ = State::kCommitting;
}

void TransactionSlot::FinishCommitting() {
  Expect(State::kCommitting, "FinishCommitting");
  state_ = State::kCommitted;
}

void TransactionSlot::Reuse() {
  Expect(State::kCommitted, "Reuse");
  WEIR_CHECK(!retired_) << id_;
  state_ = State::kReady;
}

bool TransactionSlot::HasRoom(size_t max_messages, size_t max_bytes) const {
  return batch_.empty() && accounts_.outstanding_messages() < max_messages &&
         accounts_.outstanding_bytes() < max_bytes;
}

absl::Status TransactionSlot::Send() {
  Expect(State::kOpen, "Send");
  accounts_.Sent(batch_.rest().size(), batch_.bytes());
  return SendRest();
}

absl::Status TransactionSlot::SendRest() {
  if (batch_.empty()) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const size_t taken, producer_->Produce(batch_.rest()));
  batch_.Take(taken);
  if (taken > 0 && !std::exchange(produced_, true)) Step(TransactionStep::kAfterFirstProduce);
  return absl::OkStatus();
}

absl::Status TransactionSlot::Work() {
  switch (state_) {
    case State::kOpen:
      WEIR_RETURN_IF_ERROR(producer_->Poll());
      WEIR_RETURN_IF_ERROR(accounts_.error());
      return SendRest();
    case State::kReady:
    case State::kPrepared:
    case State::kCommitted:
      return producer_->Poll();
    case State::kWarming:
    case State::kPreparing:
    case State::kCommitting:
      break;
  }
  return absl::OkStatus();
}

absl::Status TransactionSlot::MakeProducer() {
  TransactionalProducerOptions options;
  options.configuration = settings_->configuration;
  options.configuration.values["transactional.id"] = id_;
  options.topic = settings_->topic;
  options.wakeup = settings_->wakeup;
  options.cancelled = settings_->cancelled;
  WEIR_ASSIGN_OR_RETURN(producer_, settings_->clients->MakeTransactionalProducer(options));
  return absl::OkStatus();
}

absl::Status TransactionSlot::WriteMarker() {
  const TransactionOffset marker{
      id_, {settings_->topic, 0}, static_cast<int64_t>(marker_.epoch.value()), marker_.Encode()};
  const WriteOffsetAnswer answer = settings_->coordinators->WriteOffset(
      id_, marker_.producer, marker, settings_->marker_timeout);
  retired_ = retired_ || answer.unanswered_requests > 0;
  return answer.detail;
}

// librdkafka knows of no record in it, and would not end it.
absl::Status TransactionSlot::CommitOpeningMarker() {
  WEIR_RETURN_IF_ERROR(WriteMarker());
  const EndTransactionAnswer answer =
      settings_->coordinators->Commit(id_, marker_.producer, settings_->warm_timeout);
  retired_ = retired_ || answer.unanswered_requests > 0;
  return answer.detail;
}

absl::Status TransactionSlot::Warm() {
  WEIR_RETURN_IF_ERROR(MakeProducer());
  WEIR_RETURN_IF_ERROR(producer_->Init(settings_->warm_timeout));
  WEIR_ASSIGN_OR_RETURN(const DescribedTransaction described,
                        settings_->coordinators->Describe(id_, settings_->describe_timeout));
  marker_.producer = described.producer;
  // A recovery raises the fence, and then looks for ids: it has found this one, or we see the
  // fence.
  WEIR_RETURN_IF_ERROR(settings_->coordinators->CheckOwner(
      settings_->prefix, settings_->fence, {settings_->topic, 0}, settings_->warm_timeout));
  Step(TransactionStep::kDuringPrewarm);
  marker_.epoch = Epoch(0);
  WEIR_RETURN_IF_ERROR(CommitOpeningMarker());
  retired_ = retired_ || producer_->repeated();
  return absl::OkStatus();
}

absl::Status TransactionSlot::OfTransaction(const absl::Status& status) const {
  return Annotate(status,
                  absl::StrCat("Kafka transaction '", id_, "' of epoch ", marker_.epoch.value()));
}

absl::Status TransactionSlot::DeliverRecords() {
  bool all_sent = false;
  while (!all_sent) {
    // The client's queue may be full; a flushed one takes at least one record.
    WEIR_RETURN_IF_ERROR(SendRest());
    all_sent = batch_.empty();
    WEIR_RETURN_IF_ERROR(producer_->Flush(settings_->flush_timeout));
    WEIR_RETURN_IF_ERROR(OfTransaction(accounts_.error()));
  }
  delivered_.store(true);
  settings_->wakeup();
  return absl::OkStatus();
}

absl::Status TransactionSlot::Prepare() {
  WEIR_RETURN_IF_ERROR(DeliverRecords());
  WEIR_RETURN_IF_ERROR(WriteMarker());
  Step(TransactionStep::kAfterMarker);
  WEIR_RETURN_IF_ERROR(producer_->Flush(settings_->flush_timeout));
  Step(TransactionStep::kAfterFlush);
  WEIR_RETURN_IF_ERROR(OfTransaction(accounts_.CheckComplete()));
  return TakeCommittable();
}

absl::StatusOr<DescribedTransaction> TransactionSlot::DescribeOpen(
    const TransactionMarker& marker) const {
  WEIR_ASSIGN_OR_RETURN(DescribedTransaction described,
                        settings_->coordinators->Describe(id_, settings_->describe_timeout));
  if (described.state == TransactionState::kOngoing && described.producer == marker.producer &&
      described.start_time.has_value()) {
    return described;
  }
  return absl::AbortedError(absl::StrCat(
      "Kafka transaction '", id_, "' of epoch ", marker.epoch.value(),
      " was ended by somebody else before an entry could own it: it is ",
      TransactionStateName(described.state), ", producer ", described.producer.producer_id,
      " epoch ", described.producer.epoch, ", and was begun by producer ",
      marker.producer.producer_id, " epoch ", marker.producer.epoch));
}

absl::Status TransactionSlot::ConfirmPrepared() const {
  return DescribeOpen(committable_.marker).status();
}

absl::Status TransactionSlot::TakeCommittable() {
  WEIR_ASSIGN_OR_RETURN(const DescribedTransaction described, DescribeOpen(marker_));
  committable_.transactional_id = id_;
  committable_.topic = settings_->topic;
  committable_.marker = marker_;
  committable_.started = *described.start_time;
  committable_.timeout = described.timeout;
  committable_.ranges = accounts_.ranges();
  return absl::OkStatus();
}

absl::Status TransactionSlot::Commit() {
  const absl::Status committed = producer_->Commit(settings_->commit_timeout);
  if (!committed.ok()) {
    return Annotate(committed, absl::StrCat("the transaction of epoch ", marker_.epoch.value(),
                                            " could not be committed by its writer"));
  }
  retired_ = retired_ || producer_->repeated();
  Step(TransactionStep::kAfterCommit);
  return absl::OkStatus();
}

}  // namespace weir::kafka

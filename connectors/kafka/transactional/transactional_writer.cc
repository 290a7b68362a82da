#include "connectors/kafka/transactional/transactional_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transactional_configuration.h"

namespace weir::kafka {
namespace {

using State = TransactionSlot::State;

}  // namespace

TransactionalWriter::TransactionalWriter(TransactionalWriterSetup setup, const Clock& clock)
    : setup_(std::move(setup)),
      clock_(clock),
      metrics_(std::make_shared<TransactionMetrics>(clock)),
      serializer_(setup_.options) {}

TransactionalWriter::~TransactionalWriter() {
  if (jobs_ == nullptr) return;
  settings_->cancelled->store(true);
  settings_->coordinators->Cancel();
  jobs_->Stop(setup_.stop_patience);
}

ClientConfiguration TransactionalWriter::MakeConfiguration() const {
  ClientConfiguration configuration =
      TransactionalConfiguration(setup_.options.configuration, instructions_.transaction_timeout);
  if (!setup_.options.client_id_prefix.empty()) {
    configuration.values["client.id"] =
        absl::StrCat(setup_.options.client_id_prefix, "-", setup_.context.subtask_index);
  }
  return configuration;
}

absl::Status TransactionalWriter::Open(const std::string& recovered) {
  WEIR_ASSIGN_OR_RETURN(instructions_, WriterInstructions::Decode(recovered));
  WEIR_CHECK(setup_.context.pool != nullptr) << "a transactional writer needs a pool";
  const auto coordinators = std::make_shared<TransactionClientPool>(setup_.transaction_clients);
  WEIR_RETURN_IF_ERROR(coordinators->Open());
  jobs_ = std::make_unique<PoolJobs>(*setup_.context.pool, wakeup_);
  settings_ = std::make_shared<TransactionSlotSettings>();
  settings_->clients = setup_.clients;
  settings_->coordinators = coordinators;
  settings_->steps =
      setup_.steps != nullptr ? setup_.steps : std::make_shared<TransactionStepObserver>();
  settings_->configuration = MakeConfiguration();
  settings_->topic = setup_.options.options.topic;
  settings_->run = setup_.context.identity.job.value();
  settings_->generation = setup_.context.generation;
  settings_->prefix = instructions_.prefix;
  settings_->fence = instructions_.fence;
  settings_->wakeup = jobs_->wakeup();
  settings_->cancelled = std::make_shared<std::atomic<bool>>(false);
  // Behind it every transaction is decided, one way or the other.
  settings_->commit_timeout = instructions_.transaction_timeout;
  settings_->flush_timeout = std::min(settings_->flush_timeout, instructions_.transaction_timeout);
  metrics_->SetTimeout(instructions_.transaction_timeout);
  WarmSlots();
  return absl::OkStatus();
}

void TransactionalWriter::Fail(const absl::Status& error) {
  if (error_.ok() && !error.ok()) error_ = error;
}

void TransactionalWriter::Work() {
  jobs_->RunFinished();
  for (const auto& [number, slot] : slots_) {
    if (error_.ok()) Fail(slot->Work());
  }
  WarmSlots();
  CommitNext();
  AnswerBarriers();
  UpdateMetrics();
}

void TransactionalWriter::UpdateMetrics() {
  TransactionMetrics::SlotCounts counts = {};
  for (const auto& [number, slot] : slots_) ++counts.at(static_cast<size_t>(slot->state()));
  metrics_->SetSlots(counts, OldestBegunAt());
}

void TransactionalWriter::WarmSlots() {
  const auto count = [this](State state) {
    return static_cast<size_t>(
        std::count_if(slots_.begin(), slots_.end(),
                      [state](const auto& entry) { return entry.second->state() == state; }));
  };
  size_t warm = count(State::kOpen) + count(State::kReady) + count(State::kWarming);
  for (; error_.ok() && warm < kWarmSlots && slots_.size() < kMaxSlots; ++warm) {
    Warm(next_slot_++);
  }
}

void TransactionalWriter::Warm(uint32_t number) {
  TransactionalId id;
  id.prefix = instructions_.prefix;
  id.fence = instructions_.fence;
  id.subtask = setup_.context.subtask_index;
  id.slot = number;
  const auto slot = std::make_shared<TransactionSlot>(settings_, id);
  slots_.emplace(number, slot);
  jobs_->Start([slot] { return slot->Warm(); },
               [this, number](const absl::Status& status) {
                 if (!status.ok()) return Fail(status);
                 TransactionSlot& warmed = *slots_.at(number);
                 if (warmed.retired()) return GiveUpWarming(number);
                 lost_warmings_ = 0;
                 warmed.FinishWarming();
               });
}

void TransactionalWriter::GiveUpWarming(uint32_t number) {
  if (++lost_warmings_ >= kMaxLostWarmings) {
    Fail(absl::UnavailableError(absl::StrCat("the opening commits of ", lost_warmings_,
                                             " Kafka transactional ids of '", instructions_.prefix,
                                             "' were answered only when they were repeated")));
  }
  Retire(number);
}

TransactionalWriter::SlotPtr TransactionalWriter::FirstIn(State state) const {
  for (const auto& [number, slot] : slots_) {
    if (slot->state() == state) return slot;
  }
  return nullptr;
}

bool TransactionalWriter::Delivering() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const auto& entry) { return entry.second->delivering(); });
}

std::optional<absl::Duration> TransactionalWriter::OldestBegunAt() const {
  std::optional<absl::Duration> oldest;
  for (const auto& [number, slot] : slots_) {
    const std::optional<absl::Duration> begun_at = slot->begun_at();
    if (!begun_at.has_value()) continue;
    oldest = std::min(oldest.value_or(*begun_at), *begun_at);
  }
  return oldest;
}

bool TransactionalWriter::HasRoom() {
  Work();
  if (!error_.ok()) return true;  // the next Write says what happened
  const std::optional<absl::Duration> oldest = OldestBegunAt();
  const absl::Duration age =
      oldest.has_value() ? clock_.Monotonic() - *oldest : absl::ZeroDuration();
  const absl::Duration timeout = instructions_.transaction_timeout;
  // The barrier that would let it be committed may stand behind records that have no room.
  if (age > timeout * kGivenUpShare) {
    Fail(absl::AbortedError(absl::StrCat(
        "a Kafka transaction of '", instructions_.prefix, "' is ", absl::FormatDuration(age),
        " old and not committed, and its timeout is ", absl::FormatDuration(timeout))));
    return true;
  }
  if (age > timeout / 2) return false;
  const SlotPtr open = FirstIn(State::kOpen);
  if (open == nullptr) return !Delivering() && FirstIn(State::kReady) != nullptr;
  return open->HasRoom(setup_.options.max_outstanding_messages,
                       setup_.options.max_outstanding_bytes);
}

absl::Status TransactionalWriter::Write(const BatchPtr& batch) {
  WEIR_RETURN_IF_ERROR(error_);
  if (batch->num_rows() == 0) return absl::OkStatus();
  SlotPtr slot = FirstIn(State::kOpen);
  if (slot == nullptr) {
    slot = FirstIn(State::kReady);
    WEIR_CHECK(slot != nullptr) << "Write without room";
    Fail(slot->Open(clock_.Monotonic()));
    WEIR_RETURN_IF_ERROR(error_);
    UpdateMetrics();
  }
  WEIR_CHECK(slot->batch().empty()) << "Write without room";
  // An error is kept: the barrier must not pass over records that were not written.
  Fail(serializer_.Serialize(*batch, &slot->batch()));
  if (error_.ok()) Fail(slot->Send());
  return error_;
}

std::string TransactionalWriter::DescribeCommittable(const std::string& committable) const {
  const absl::StatusOr<Committable> one = Committable::Decode(committable);
  if (!one.ok()) return "";
  return absl::StrCat("transaction '", one->transactional_id, "', ", one->DescribeRanges());
}

void TransactionalWriter::PrepareCommit(Epoch epoch, PrepareDone done) {
  Work();
  barriers_.push_back({epoch, std::move(done)});
  const SlotPtr open = FirstIn(State::kOpen);
  if (open != nullptr && error_.ok()) {
    open->StartPreparing(epoch);
    Prepare(open);
    WarmSlots();
    UpdateMetrics();
  }
  AnswerBarriers();
}

void TransactionalWriter::Prepare(const SlotPtr& slot) {
  jobs_->Start([slot] { return slot->Prepare(); },
               [this, slot](const absl::Status& status) {
                 Fail(status);
                 if (status.ok()) slot->FinishPreparing();
               });
}

std::vector<TransactionalWriter::SlotPtr> TransactionalWriter::SlotsUpTo(Epoch epoch,
                                                                         State state) const {
  std::vector<SlotPtr> found;
  for (const auto& [number, slot] : slots_) {
    if (slot->state() == state && slot->epoch() <= epoch) found.push_back(slot);
  }
  std::sort(found.begin(), found.end(),
            [](const SlotPtr& a, const SlotPtr& b) { return a->epoch() < b->epoch(); });
  return found;
}

std::vector<std::string> TransactionalWriter::Committables(Epoch up_to) const {
  std::vector<std::string> committables;
  for (const SlotPtr& slot : SlotsUpTo(up_to, State::kPrepared)) {
    settings_->steps->OnStep(TransactionStep::kBeforeAnswer, slot->id());
    committables.push_back(slot->committable().Encode());
  }
  return committables;
}

void TransactionalWriter::AnswerBarriers() {
  while (!barriers_.empty()) {
    const Epoch epoch = barriers_.front().epoch;
    if (error_.ok() && !SlotsUpTo(epoch, State::kPreparing).empty()) return;
    if (error_.ok() && !Confirmed(barriers_.front())) return;
    const PrepareDone done = std::move(barriers_.front().done);
    barriers_.pop_front();
    if (error_.ok()) {
      done(Committables(epoch));
    } else {
      done(error_);
    }
  }
}

// What was prepared for this barrier was looked at a moment ago; what waits since earlier ones may
// have been ended from outside, and an entry must not own it then.
bool TransactionalWriter::Confirmed(PendingBarrier& barrier) {
  if (barrier.confirmed || barrier.confirming) return barrier.confirmed;
  std::vector<SlotPtr> carried = SlotsUpTo(barrier.epoch, State::kPrepared);
  std::erase_if(carried, [&](const SlotPtr& slot) { return slot->epoch() == barrier.epoch; });
  if (carried.empty()) return true;
  barrier.confirming = true;
  jobs_->Start(
      [carried] {
        for (const SlotPtr& slot : carried) WEIR_RETURN_IF_ERROR(slot->ConfirmPrepared());
        return absl::OkStatus();
      },
      [this, epoch = barrier.epoch](const absl::Status& status) {
        Fail(status);
        for (PendingBarrier& one : barriers_) one.confirmed = one.confirmed || one.epoch == epoch;
      });
  return false;
}

void TransactionalWriter::Commit(const CommitPermit& permit, CommitDone done) {
  Work();
  settings_->steps->OnStep(TransactionStep::kAfterPermit, instructions_.prefix);
  commits_.push_back({permit.epoch(), std::move(done)});
  CommitNext();
}

void TransactionalWriter::CommitNext() {
  while (!commits_.empty()) {
    if (error_.ok() && committing_) return;
    const Epoch epoch = commits_.front().epoch;
    if (!SlotsUpTo(epoch, State::kPreparing).empty()) {
      Fail(absl::InternalError(absl::StrCat("the permit of epoch ", epoch.value(),
                                            " came before its barrier was answered")));
    }
    const std::vector<SlotPtr> slots = SlotsUpTo(epoch, State::kPrepared);
    if (!error_.ok() || slots.empty()) {
      const CommitDone done = std::move(commits_.front().done);
      commits_.pop_front();
      done(error_);
      continue;
    }
    committing_ = true;
    for (const SlotPtr& slot : slots) slot->StartCommitting();
    jobs_->Start(
        [slots] {
          for (const SlotPtr& slot : slots) WEIR_RETURN_IF_ERROR(slot->Commit());
          return absl::OkStatus();
        },
        [this, slots, started = clock_.Monotonic()](const absl::Status& status) {
          CommitEnded(slots, started, status);
        });
    UpdateMetrics();
    return;
  }
}

void TransactionalWriter::CommitEnded(const std::vector<SlotPtr>& slots, absl::Duration started,
                                      const absl::Status& status) {
  committing_ = false;
  Fail(status);
  if (!status.ok()) return;  // whoever waits hears it by CommitNext
  for (const SlotPtr& slot : slots) slot->FinishCommitting();
  metrics_->OnCommitted(slots.size(), clock_.Monotonic() - started);
}

void TransactionalWriter::OnReceipt(Epoch epoch) {
  Work();
  std::vector<uint32_t> repeated;
  for (const auto& [number, slot] : slots_) {
    if (slot->state() != State::kCommitted || slot->epoch() > epoch) continue;
    if (slot->retired()) {
      repeated.push_back(number);
    } else {
      slot->Reuse();
    }
  }
  for (const uint32_t number : repeated) Retire(number);
  WarmSlots();
  UpdateMetrics();
  jobs_->wakeup()();
}

void TransactionalWriter::Retire(uint32_t number) {
  const auto entry = slots_.find(number);
  SlotPtr slot = std::move(entry->second);
  slots_.erase(entry);
  LogInfo("a Kafka transaction's handle is given up: a request of it was repeated",
          {{"id", slot->id()}});
  jobs_->Start([slot = std::move(slot)] { return absl::OkStatus(); }, [](const absl::Status&) {});
}

}  // namespace weir::kafka

#include "taskmanager/task/task.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

// A sink whose patience ends says so when it is asked.
constexpr absl::Duration kBlockedSinkInterval = absl::Seconds(1);

std::optional<absl::Duration> NextLookAtSinks(OperatorChain& chain) {
  if (chain.sinks().empty()) return std::nullopt;
  return kBlockedSinkInterval;
}

}  // namespace

Task::Task(Options options)
    : subtask_(options.subtask),
      name_(std::move(options.name)),
      log_fields_({{"generation", options.generation},
                   {"task", name_},
                   {"subtask", options.subtask.index}}),
      chain_(std::move(options.chain)),
      clock_(*options.clock),
      observer_(*options.observer),
      mailbox_(std::make_shared<TaskMailbox>()) {
  WEIR_CHECK(options.source.has_value() == options.inputs.empty())
      << "task " << name_ << " needs either a source or input channels";
  const auto wakeup = [mailbox = mailbox_] { mailbox->Wake(); };
  if (options.source.has_value()) {
    source_ = std::make_unique<SourceHead>(*std::move(options.source), *chain_);
    source_->SetWakeup(wakeup);
    if (source_->needs_clock()) chain_->activity().Use();
  } else {
    gate_ = std::make_unique<InputGate>(std::move(options.inputs));
    gate_->SetWakeup(wakeup);
    if (options.input_watermark.has_value()) gate_->Restore(*options.input_watermark);
  }
  for (SinkStage* sink : chain_->sinks()) {
    sink->SetWakeup(wakeup);
    auto metrics = sink->writer().metrics();
    if (metrics != nullptr) sink_metrics_.emplace(sink->identity().uid, std::move(metrics));
  }
  for (ChannelStage* channel : chain_->channels()) channel->SetWakeup(wakeup);
}

Task::~Task() {
  mailbox_->Close();
  CloseAll();
}

void Task::Post(void (Task::*command)()) {
  mailbox_->Post([this, command] { (this->*command)(); });
}

void Task::Start(const SinkStates& sinks) {
  mailbox_->Post([this, sinks] { DoStart(sinks); });
}

void Task::StopSource() { Post(&Task::DoStopSource); }
void Task::Hold(bool held) {
  mailbox_->Post([this, held] { held_ = held; });
}
void Task::Cancel() { Post(&Task::DoCancel); }

void Task::AddSplits(std::vector<SourceSplit> splits) {
  mailbox_->Post([this, splits = std::move(splits)] { DoAddSplits(splits); });
}

void Task::TriggerCheckpoint(const Barrier& barrier) {
  mailbox_->Post([this, barrier] { DoTrigger(barrier); });
}

void Task::CommitEpoch(const CommitPermit& permit) {
  mailbox_->Post([this, permit] { DoCommit(permit); });
}

void Task::NotifyCheckpointComplete(Epoch epoch) {
  mailbox_->Post([this, epoch] { DoNotifyComplete(epoch); });
}

void Task::NotifyCheckpointAborted(Epoch epoch) {
  mailbox_->Post([this, epoch] {
    if (gate_ != nullptr) gate_->Abort(epoch);
    if (suspended_.has_value() && *suspended_ <= epoch) suspended_.reset();
    if (waiting_barrier_.has_value() && waiting_barrier_->epoch <= epoch) waiting_barrier_.reset();
  });
}

void Task::NotifyReceipt(Epoch epoch) {
  mailbox_->Post([this, epoch] {
    if (!live()) return;
    for (SinkStage* sink : chain_->sinks()) sink->writer().OnReceipt(epoch);
  });
}

uint64_t Task::records_in() const {
  return chain_->head_counters().records_in.load(std::memory_order_relaxed);
}

uint64_t Task::bytes_in() const {
  return chain_->head_counters().bytes_in.load(std::memory_order_relaxed);
}

const OperatorIdentity& Task::head() const {
  return source_ == nullptr ? chain_->first() : source_->identity();
}

std::optional<EventTime> Task::watermark() const {
  const EventTime watermark =
      EventTime::FromMicros(passed_watermark_us_.load(std::memory_order_relaxed));
  if (watermark == EventTime::Min()) return std::nullopt;
  return watermark;
}

StepResult Task::RunOnce() {
  chain_->activity().Advance(clock_);
  for (const auto& command : mailbox_->TakeAll()) command();
  StepResult result;
  if (live()) FailIfNotOk(Step(result));
  if (terminal()) {
    result = StepResult();
    result.kind = StepResult::Kind::kDone;
  } else if (state_ == State::kCreated) {
    result.blocked_on = StepResult::BlockedOn::kStart;
  }
  chain_->activity().SetBlocked(held_ || result.blocked_on == StepResult::BlockedOn::kOutput ||
                                (live() && chain_->firing()));
  return result;
}

absl::Status Task::Step(StepResult& result) {
  if (chain_->firing()) return StepFiring(result);
  if (waiting_barrier_.has_value()) {
    result.kind = StepResult::Kind::kProgress;
    return OnBarrier(*std::exchange(waiting_barrier_, std::nullopt));
  }
  if (std::exchange(input_over_, false)) {
    result.kind = StepResult::Kind::kProgress;
    return EndInput();
  }
  WEIR_RETURN_IF_ERROR(FireProcessingTimers());
  if (chain_->firing()) {
    // Of a watermark that an operator emitted by the clock: no rows before that is worked off.
    result.kind = StepResult::Kind::kProgress;
    return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(StepHead(result));
  if (result.blocked_on == StepResult::BlockedOn::kOutput) return absl::OkStatus();
  if (const auto next = UntilNextTimer()) {
    if (*next <= absl::ZeroDuration()) result.kind = StepResult::Kind::kProgress;
    result.wake_after = std::min(result.wake_after.value_or(*next), *next);
  }
  return absl::OkStatus();
}

// Rows and watermarks wait; a barrier cuts between two slices, unless nothing may follow it.
absl::Status Task::StepFiring(StepResult& result) {
  if (gate_ != nullptr && !waiting_barrier_.has_value()) {
    const std::optional<Barrier> barrier = gate_->NextBarrier();
    ClockAlignment();
    if (barrier.has_value()) {
      result.kind = StepResult::Kind::kProgress;
      return TakeOrKeep(*barrier);
    }
  }
  if (!chain_->HasRoom()) {
    result.blocked_on = StepResult::BlockedOn::kOutput;
    result.wake_after = NextLookAtSinks(*chain_);
    return absl::OkStatus();
  }
  result.kind = StepResult::Kind::kProgress;
  return chain_->ContinueFiring();
}

// Without room they wait, as rows do. Behind the end of input there are none.
absl::Status Task::FireProcessingTimers() {
  const std::optional<int64_t> next = chain_->NextProcessingTime();
  if (!next.has_value() || quiet() || state_ != State::kRunning) return absl::OkStatus();
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  if (*next > now || !chain_->HasRoom()) return absl::OkStatus();
  return chain_->OnProcessingTime(now);
}

std::optional<absl::Duration> Task::UntilNextTimer() {
  const std::optional<int64_t> next = chain_->NextProcessingTime();
  if (!next.has_value() || quiet() || state_ != State::kRunning) return std::nullopt;
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  if (*next <= now && !chain_->HasRoom()) return std::nullopt;  // room wakes the task
  // Timers are the author's: their distance may be more than a number holds.
  return *next <= now ? absl::ZeroDuration() : absl::Microseconds(*next) - absl::Microseconds(now);
}

absl::Status Task::StepHead(StepResult& result) {
  if (source_ != nullptr && state_ == State::kFinished) {
    chain_->HasRoom();  // sinks take their acknowledgements in it, and a barrier may wait for them
    result.blocked_on = StepResult::BlockedOn::kFinished;
    return absl::OkStatus();
  }
  return source_ != nullptr ? StepSource(result) : StepChannel(result);
}

absl::Status Task::StepSource(StepResult& result) {
  const absl::Duration now = chain_->activity().Now();
  if (!source_->assigned()) {
    result.blocked_on = StepResult::BlockedOn::kSplits;
    return absl::OkStatus();
  }
  if (!chain_->HasRoom()) {
    result.blocked_on = StepResult::BlockedOn::kOutput;
    result.wake_after = NextLookAtSinks(*chain_);
    return absl::OkStatus();
  }
  if (held_) {
    result.blocked_on = StepResult::BlockedOn::kInput;
    return absl::OkStatus();
  }
  WEIR_ASSIGN_OR_RETURN(ReadResult read, source_->Poll(now));
  const bool got_batch = read.batch != nullptr;
  if (got_batch) {
    Count(chain_->head_counters().records_in, read.batch->num_rows());
    Count(chain_->head_counters().bytes_in, read.batch->size_bytes());
    WEIR_RETURN_IF_ERROR(chain_->head().Emit(std::move(read.batch)));
  }
  const std::optional<EventTime> passed = watermark_;
  WEIR_RETURN_IF_ERROR(PassTime());
  if (read.next == ReadResult::Next::kEndOfInput) {
    if (watermark_ != EventTime::Max()) {
      WEIR_RETURN_IF_ERROR(PassWatermark(EventTime::Max()));
    }
    WEIR_RETURN_IF_ERROR(EndInput());
    result.kind = StepResult::Kind::kProgress;
  } else if (got_batch || read.next == ReadResult::Next::kMore || watermark_ != passed) {
    result.kind = StepResult::Kind::kProgress;
  } else {
    result.blocked_on = StepResult::BlockedOn::kInput;
    result.wake_after = source_->UntilNextWatermark(now);
  }
  return absl::OkStatus();
}

// A watermark says that the task is active. One that turns idle has given it before it says so;
// restored as idle, too. An operator that still works it off keeps back that it is idle.
absl::Status Task::PassTime() {
  const bool idle = source_->idle();
  if (!idle && told_idle_) {
    told_idle_ = false;
    WEIR_RETURN_IF_ERROR(chain_->head().EmitStatus(false));
  }
  if (const std::optional<EventTime> watermark = source_->AdvanceWatermark();
      watermark.has_value()) {
    watermark_ = watermark;
    WEIR_RETURN_IF_ERROR(PassWatermark(*watermark));
  }
  if (idle && !told_idle_) {
    told_idle_ = true;
    WEIR_RETURN_IF_ERROR(chain_->head().EmitStatus(true));
  }
  return absl::OkStatus();
}

absl::Status Task::StepChannel(StepResult& result) {
  if (!chain_->HasRoom()) {
    const std::optional<Barrier> barrier = gate_->NextBarrier();
    ClockAlignment();
    if (barrier.has_value()) {
      result.kind = StepResult::Kind::kProgress;
      return OnBarrier(*barrier);
    }
    result.blocked_on = StepResult::BlockedOn::kOutput;
    result.wake_after = NextLookAtSinks(*chain_);
    return absl::OkStatus();
  }
  std::optional<ChannelElement> element = gate_->Next();
  ClockAlignment();
  if (!element.has_value()) {
    result.blocked_on = state_ == State::kFinished ? StepResult::BlockedOn::kFinished
                                                   : StepResult::BlockedOn::kInput;
    return absl::OkStatus();
  }
  result.kind = StepResult::Kind::kProgress;
  return TakeElement(*std::move(element));
}

absl::Status Task::TakeElement(ChannelElement element) {
  if (BatchPtr* batch = std::get_if<BatchPtr>(&element)) {
    Count(chain_->head_counters().records_in, (*batch)->num_rows());
    Count(chain_->head_counters().bytes_in, (*batch)->size_bytes());
    return chain_->head().Emit(std::move(*batch));
  }
  if (const EventTime* watermark = std::get_if<EventTime>(&element)) {
    return PassWatermark(*watermark);
  }
  if (const Barrier* barrier = std::get_if<Barrier>(&element)) return OnBarrier(*barrier);
  if (const StreamStatus* status = std::get_if<StreamStatus>(&element)) {
    return chain_->head().EmitStatus(status->idle);
  }
  return EndInput();
}

absl::Status Task::PassWatermark(EventTime watermark) {
  passed_watermark_us_.store(watermark.micros(), std::memory_order_relaxed);
  return chain_->head().EmitWatermark(watermark);
}

absl::Status Task::EndInput() {
  input_over_ = chain_->firing();
  if (input_over_) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(chain_->Finish());
  for (ChannelStage* channel : chain_->channels()) {
    WEIR_RETURN_IF_ERROR(channel->Push(EndOfInput()));
  }
  state_ = State::kFinished;
  observer_.OnFinished(subtask_);
  return absl::OkStatus();
}

void Task::DoStart(const SinkStates& sinks) {
  if (state_ != State::kCreated) return;
  for (SinkStage* sink : chain_->sinks()) {
    const auto state = sinks.find(sink->identity().uid);
    if (state != sinks.end()) sink->SetRecovered(state->second);
  }
  absl::Status status = chain_->Open();
  if (status.ok() && assigned_before_start_) {
    status = source_->AddSplits(splits_before_start_, chain_->activity().Now());
    splits_before_start_.clear();
  }
  if (!status.ok()) return Fail(status);
  state_ = State::kRunning;
  observer_.OnRunning(subtask_);
  if (stop_before_start_) FailIfNotOk(EndInput());
}

void Task::DoAddSplits(const std::vector<SourceSplit>& splits) {
  if (source_ == nullptr || terminal() || state_ == State::kFinished) return;
  if (state_ == State::kCreated) {
    // A reader touches nothing outside before the leader has admitted its generation.
    assigned_before_start_ = true;
    splits_before_start_.insert(splits_before_start_.end(), splits.begin(), splits.end());
    return;
  }
  FailIfNotOk(source_->AddSplits(splits, chain_->activity().Now()));
}

void Task::DoStopSource() {
  if (source_ == nullptr) return;
  if (state_ == State::kCreated) stop_before_start_ = true;
  if (state_ == State::kRunning) FailIfNotOk(EndInput());
}

void Task::DoCancel() {
  if (state_ == State::kCanceled) return;
  state_ = State::kCanceled;
  CloseAll();
}

void Task::FailIfNotOk(const absl::Status& status) {
  if (terminal()) return;
  if (!status.ok()) {
    Fail(status);
  } else if (chain_->boundary().failure().has_value()) {
    // An operator swallowed the error of the operator behind it.
    Fail(chain_->boundary().failure()->status);
  }
}

void Task::Fail(const absl::Status& status) {
  state_ = State::kFailed;
  TaskFailure failure;
  failure.status = status;
  if (chain_->boundary().failure().has_value()) failure = *chain_->boundary().failure();
  CloseAll();
  observer_.OnFailed(subtask_, failure);
}

void Task::CloseAll() {
  if (std::exchange(closed_, true)) return;
  chain_->Close();
  if (source_ != nullptr) source_->Close();
}

}  // namespace weir::taskmanager

#include "taskmanager/task/operator_chain.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

// Places in tables of keyed state that are looked at for what has expired, for each row: a row may
// make an entry, and a table has at most four places for each.
constexpr size_t kCleanedPerRow = 8;

// What a restart would meet again. Lost state needs a person, and state that does not fit another
// program.
absl::Status OfRestore(const absl::Status& status) {
  if (FailurePolicyOf(status) != FailurePolicy::kByCode) return status;
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return WithFailurePolicy(status, FailurePolicy::kSuspendJob);
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return WithFailurePolicy(status, FailurePolicy::kFailJob);
    default:
      return status;
  }
}

}  // namespace

absl::Status StageOutput::Emit(BatchPtr batch) {
  if (batch == nullptr || batch->num_rows() == 0) return absl::OkStatus();
  Count(counter_, batch->num_rows());
  for (ChainStage* target : targets_) WEIR_RETURN_IF_ERROR(target->OnBatch(batch));
  return absl::OkStatus();
}

absl::Status StageOutput::EmitWatermark(EventTime watermark) {
  for (ChainStage* target : targets_) WEIR_RETURN_IF_ERROR(target->OnWatermark(watermark));
  for (StageOutput* side : sides_) WEIR_RETURN_IF_ERROR(side->EmitWatermark(watermark));
  return absl::OkStatus();
}

absl::Status StageOutput::EmitStatus(bool idle) {
  for (ChainStage* target : targets_) WEIR_RETURN_IF_ERROR(target->OnStatus(idle));
  for (StageOutput* side : sides_) WEIR_RETURN_IF_ERROR(side->EmitStatus(idle));
  return absl::OkStatus();
}

OperatorStage::OperatorStage(Options options, OperatorBoundary& boundary)
    : ChainStage({options.context.operator_uid, options.context.operator_name}),
      options_(std::move(options)),
      boundary_(boundary),
      output_(counters_.records_out),
      dead_letters_(counters_.dead_lettered),
      errors_(options_.errors, identity_, counters_, boundary, *options_.clock, dead_letters_) {
  options_.context.errors = &errors_;
  options_.context.keyed_state = options_.keyed_state.get();
  options_.context.operator_state = &operator_state_;
  options_.context.clock = options_.clock;
  options_.context.partition_aligned = options_.partition_check != nullptr;
  for (const auto& [tag, schema] : options_.side_outputs) {
    StageOutput& side = side_outputs_.try_emplace(tag, counters_.records_out).first->second;
    output_.AddSide(&side);
    options_.context.side_outputs[tag] = {&side, schema};
  }
}

template <class Call>
absl::Status OperatorStage::Run(const Batch* batch, const Call& call) {
  return boundary_.Run(identity_, batch, [&]() -> absl::Status {
    absl::Status status;
    try {
      status = call();
    } catch (...) {
      if (operator_state_.status().ok()) std::rethrow_exception(std::current_exception());
    }
    return operator_state_.status().ok() ? status : OfRestore(operator_state_.status());
  });
}

absl::Status OperatorStage::Open() {
  return Run(nullptr, [this] { return OpenOperator(); });
}

absl::Status OperatorStage::OpenOperator() {
  const std::string state = std::exchange(options_.restored_state, std::string());
  const auto increments = std::exchange(options_.restored_keyed, {});
  const OperatorStateParts parts = std::exchange(options_.restored_operator_state, {});
  if (options_.keyed_state != nullptr) {
    WEIR_RETURN_IF_ERROR(OfRestore(options_.keyed_state->RestoreIncrements(increments)));
  }
  WEIR_RETURN_IF_ERROR(OfRestore(operator_state_.Restore(
      parts, {options_.context.subtask_index, options_.context.parallelism})));
  const absl::Status opened = options_.op->Open(options_.context);
  // A state is decoded when its function asks for it.
  const bool of_state = options_.keyed_state != nullptr && !options_.keyed_state->status().ok();
  if (of_state && !increments.empty()) return OfRestore(options_.keyed_state->status());
  WEIR_RETURN_IF_ERROR(opened);
  if (state.empty()) return absl::OkStatus();
  return OfRestore(options_.op->RestoreState(state));
}

absl::Status OperatorStage::OnBatch(const BatchPtr& batch) {
  Count(counters_.records_in, batch->num_rows());
  WEIR_RETURN_IF_ERROR(Run(batch.get(), [&] { return Process(batch); }));
  if (options_.keyed_state != nullptr) {
    options_.keyed_state->CleanUpExpired(kCleanedPerRow * batch->num_rows());
  }
  counters_.filtered.store(options_.op->filtered(), std::memory_order_relaxed);
  counters_.late.store(options_.op->late(), std::memory_order_relaxed);
  return errors_.Flush();
}

absl::Status OperatorStage::Process(const BatchPtr& batch) {
  if (options_.partition_check != nullptr) {
    WEIR_RETURN_IF_ERROR(options_.partition_check->Check(*batch));
  }
  return options_.op->ProcessBatch(batch, output_);
}

absl::Status OperatorStage::OnWatermark(EventTime watermark) {
  WEIR_RETURN_IF_ERROR(
      Run(nullptr, [&] { return options_.op->ProcessWatermark(watermark, output_); }));
  return TellIdle();
}

absl::Status OperatorStage::OnStatus(bool idle) {
  idle_waits_ = idle && firing();
  if (idle_waits_) return absl::OkStatus();
  return boundary_.Run(identity_, nullptr,
                       [&] { return options_.op->ProcessStatus(idle, output_); });
}

absl::Status OperatorStage::ContinueFiring() {
  WEIR_RETURN_IF_ERROR(Run(nullptr, [this] { return options_.op->ContinueFiring(output_); }));
  return TellIdle();
}

absl::Status OperatorStage::TellIdle() {
  if (!idle_waits_ || firing()) return absl::OkStatus();
  return OnStatus(/*idle=*/true);
}

absl::Status OperatorStage::Finish() {
  return Run(nullptr, [this] { return options_.op->Finish(output_); });
}

void OperatorStage::Close() {
  if (options_.op == nullptr) return;
  // A failure while closing comes too late to matter.
  (void)boundary_.Run(identity_, nullptr, [this] {
    options_.op->Close();
    return absl::OkStatus();
  });
  options_.op.reset();
}

absl::Status OperatorStage::Snapshot(OperatorSnapshotData& data) {
  BalanceBooks();
  data.uid = identity_.uid;
  data.operator_state = operator_state_.Freeze();
  if (options_.keyed_state != nullptr) {
    WEIR_ASSIGN_OR_RETURN(data.keyed, options_.keyed_state->Freeze());
    data.keying = options_.keying;
    return absl::OkStatus();
  }
  return boundary_.Run(identity_, nullptr, [&]() -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(data.state, options_.op->SnapshotState());
    return absl::OkStatus();
  });
}

absl::Status OperatorStage::OnProcessingTime(int64_t now_micros) {
  return Run(nullptr, [&] { return options_.op->OnProcessingTime(now_micros, output_); });
}

void OperatorStage::BalanceBooks() {
  if (!options_.op->one_to_one()) return;
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return static_cast<int64_t>(counter.load(std::memory_order_relaxed));
  };
  const int64_t unaccounted = value(counters_.records_in) - value(counters_.records_out) -
                              value(counters_.filtered) - value(counters_.late) -
                              value(counters_.skipped) - value(counters_.dead_lettered);
  if (unaccounted != 0 && unaccounted != counters_.unaccounted.load(std::memory_order_relaxed)) {
    LogError("the books of an operator do not balance",
             {{"operator", identity_.name}, {"unaccounted", unaccounted}});
  }
  counters_.unaccounted.store(unaccounted, std::memory_order_relaxed);
}

absl::Status SinkStage::Open() {
  return boundary_.Run(identity_, nullptr, [this] { return writer_->Open(recovered_); });
}

bool SinkStage::HasRoom() { return HandOver().ok() && waiting_.empty() && writer_->HasRoom(); }

absl::Status SinkStage::HandOver() {
  while (!waiting_.empty()) {
    Waiting& next = waiting_.front();
    if (next.batch == nullptr) {
      writer_->PrepareCommit(next.epoch, std::move(next.done));
    } else {
      if (!writer_->HasRoom()) return absl::OkStatus();
      WEIR_RETURN_IF_ERROR(Write(next.batch));
      waiting_bytes_ -= next.batch->size_bytes();
    }
    waiting_.pop_front();
  }
  return absl::OkStatus();
}

void SinkStage::PrepareCommit(Epoch epoch, SinkWriter::PrepareDone done) {
  if (waiting_.empty()) return writer_->PrepareCommit(epoch, std::move(done));
  waiting_.push_back({nullptr, epoch, std::move(done)});
}

void SinkStage::Close() {
  waiting_.clear();
  writer_.reset();
}

absl::Status SinkStage::OnBatch(const BatchPtr& batch) {
  Count(counters_.records_in, batch->num_rows());
  if (waiting_.empty() && writer_->HasRoom()) return Write(batch);
  if (waiting_bytes_ > kOverdraftBytes) {
    return boundary_.Run(identity_, batch.get(), [] {
      return absl::ResourceExhaustedError(
          absl::StrCat("one step made more than ", kOverdraftBytes >> 20,
                       " MiB of records that the sink has no room for yet"));
    });
  }
  waiting_bytes_ += batch->size_bytes();
  waiting_.push_back({batch, Epoch(), nullptr});
  return absl::OkStatus();
}

absl::Status SinkStage::Write(const BatchPtr& batch) {
  WEIR_RETURN_IF_ERROR(
      boundary_.Run(identity_, batch.get(), [&] { return writer_->Write(batch); }));
  Count(counters_.records_out, batch->num_rows());
  Count(counters_.bytes_out, batch->size_bytes());
  return absl::OkStatus();
}

absl::Status ChannelStage::OnBatch(const BatchPtr& batch) {
  Count(counters_.records_out, batch->num_rows());
  Count(counters_.bytes_out, batch->size_bytes());
  return boundary_.Run(identity_, batch.get(), [&] { return Deal(batch); });
}

absl::Status ChannelStage::Deal(const BatchPtr& batch) {
  if (edge_.router == nullptr) {
    for (const auto& channel : edge_.channels) WEIR_RETURN_IF_ERROR(channel->Push(batch));
    return absl::OkStatus();
  }
  targets_.clear();
  WEIR_RETURN_IF_ERROR(edge_.router->Route(*batch, targets_));
  const auto subtasks = static_cast<uint32_t>(edge_.channels.size());
  for (RoutedBatch& routed : SplitByTarget(batch, targets_, subtasks)) {
    WEIR_RETURN_IF_ERROR(edge_.channels[routed.target]->Push(std::move(routed.batch)));
  }
  return absl::OkStatus();
}

void ChannelStage::SetWakeup(const std::function<void()>& wakeup) {
  for (const auto& channel : edge_.channels) channel->SetProducerWakeup(wakeup);
}

bool ChannelStage::HasRoom() {
  return std::all_of(edge_.channels.begin(), edge_.channels.end(),
                     [](const auto& channel) { return channel->HasRoom(); });
}

absl::Status ChannelStage::OnWatermark(EventTime watermark) { return Push(watermark); }
absl::Status ChannelStage::OnStatus(bool idle) { return Push(StreamStatus{idle}); }

absl::Status ChannelStage::Push(const ChannelElement& element) {
  return boundary_.Run(identity_, nullptr, [&] {
    for (const auto& channel : edge_.channels) WEIR_RETURN_IF_ERROR(channel->Push(element));
    return absl::OkStatus();
  });
}

OperatorStage& OperatorChain::AddOperator(StageOutput& input, OperatorStage::Options options) {
  options.context.activity = &activity_;
  auto stage = std::make_unique<OperatorStage>(std::move(options), boundary_);
  OperatorStage& added = *stage;
  input.AddTarget(&added);
  operators_.push_back(&added);
  stages_.push_back(std::move(stage));
  return added;
}

void OperatorChain::AddSink(StageOutput& input, OperatorIdentity identity,
                            std::unique_ptr<SinkWriter> writer) {
  auto stage = std::make_unique<SinkStage>(std::move(identity), std::move(writer), boundary_);
  input.AddTarget(stage.get());
  sinks_.push_back(stage.get());
  stages_.push_back(std::move(stage));
}

void OperatorChain::AddChannels(StageOutput& input, OperatorIdentity identity, OutputEdge edge) {
  auto stage = std::make_unique<ChannelStage>(std::move(identity), std::move(edge), boundary_);
  input.AddTarget(stage.get());
  channels_.push_back(stage.get());
  stages_.push_back(std::move(stage));
}

absl::Status OperatorChain::Open() {
  for (const auto& stage : stages_) WEIR_RETURN_IF_ERROR(stage->Open());
  return absl::OkStatus();
}

bool OperatorChain::HasRoom() {
  for (SinkStage* sink : sinks_) {
    if (!sink->HasRoom()) return false;
  }
  for (ChannelStage* channel : channels_) {
    if (!channel->HasRoom()) return false;
  }
  return true;
}

absl::Status OperatorChain::OnProcessingTime(int64_t now_micros) {
  for (OperatorStage* stage : operators_) {
    WEIR_RETURN_IF_ERROR(stage->OnProcessingTime(now_micros));
  }
  return absl::OkStatus();
}

std::optional<int64_t> OperatorChain::NextProcessingTime() const {
  std::optional<int64_t> soonest;
  for (const OperatorStage* stage : operators_) {
    const std::optional<int64_t> next = stage->NextProcessingTime();
    if (next.has_value()) soonest = std::min(soonest.value_or(*next), *next);
  }
  return soonest;
}

bool OperatorChain::firing() const {
  return std::any_of(operators_.begin(), operators_.end(),
                     [](const OperatorStage* stage) { return stage->firing(); });
}

// The last one first: rows that an earlier one fires must find it ready for rows.
absl::Status OperatorChain::ContinueFiring() {
  const auto last = std::find_if(operators_.rbegin(), operators_.rend(),
                                 [](const OperatorStage* stage) { return stage->firing(); });
  return last == operators_.rend() ? absl::OkStatus() : (*last)->ContinueFiring();
}

absl::Status OperatorChain::Finish() {
  for (const auto& stage : stages_) WEIR_RETURN_IF_ERROR(stage->Finish());
  return absl::OkStatus();
}

void OperatorChain::Close() {
  for (const auto& stage : stages_) stage->Close();
}

uint64_t OperatorChain::bytes_out() const {
  uint64_t bytes = 0;
  for (const SinkStage* sink : sinks_) {
    bytes += sink->counters().bytes_out.load(std::memory_order_relaxed);
  }
  for (const ChannelStage* channel : channels_) {
    bytes += channel->counters().bytes_out.load(std::memory_order_relaxed);
  }
  return bytes;
}

uint64_t OperatorChain::records_out() const {
  uint64_t records = 0;
  for (const SinkStage* sink : sinks_) {
    records += sink->counters().records_out.load(std::memory_order_relaxed);
  }
  for (const ChannelStage* channel : channels_) {
    records += channel->counters().records_out.load(std::memory_order_relaxed);
  }
  return records;
}

}  // namespace weir::taskmanager

#include "taskmanager/exchange/send_channel.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "taskmanager/exchange/frame_codec.h"

namespace weir::taskmanager {
namespace {

// Pieces of the batch with frames of at most `bytes`, in order; a row is not cut.
void CutByRows(BatchPtr batch, size_t bytes, std::vector<BatchPtr>* out) {
  if (batch->num_rows() <= 1 || BatchFrameBytes(*batch) <= bytes) {
    out->push_back(std::move(batch));
    return;
  }
  const size_t half = batch->num_rows() / 2;
  CutByRows(std::make_shared<const Batch>(batch->Slice(0, half)), bytes, out);
  CutByRows(std::make_shared<const Batch>(batch->Slice(half, batch->num_rows() - half)), bytes,
            out);
}

// How many of the first rows go into a frame of so many bytes, which all do not: one at least, and
// eight at a time, because bits of validity are shared only so.
size_t RowsWithin(const Batch& batch, size_t bytes) {
  // A sixteenth less than in proportion, as headers do not shrink. Where rows differ much in length
  // it is halved until it fits.
  size_t rows = batch.num_rows() * (bytes - bytes / 16) / BatchFrameBytes(batch);
  while (rows > 1) {
    if (rows > 8) rows -= rows % 8;
    if (BatchFrameBytes(batch.Slice(0, rows)) <= bytes) return rows;
    rows /= 2;
  }
  return 1;
}

// Where the rows came from is not sent.
BatchPtr WithoutProvenance(BatchPtr batch) {
  if (batch->provenance() == nullptr) return batch;
  BatchExtras extras = batch->extras();
  extras.provenance = nullptr;
  return std::make_shared<const Batch>(batch->WithExtras(std::move(extras)));
}

}  // namespace

void SendChannel::SetProducerWakeup(std::function<void()> wakeup) {
  wake_producer_ = std::move(wakeup);
}

void SendChannel::SetSendWakeup(std::function<void()> wakeup) { wake_link_ = std::move(wakeup); }

bool SendChannel::HasRoom() const {
  MutexLock lock(mutex_);
  return !closed_ && queued_bytes_ < options_.capacity_bytes;
}

absl::Status SendChannel::Push(ChannelElement element) {
  std::vector<QueuedElement> pieces;
  const auto* batch = std::get_if<BatchPtr>(&element);
  if (batch == nullptr) {
    pieces.push_back({std::move(element), 0});
  } else if (const size_t bytes = BatchFrameBytes(**batch); bytes <= options_.cut_above_bytes) {
    pieces.push_back({std::move(element), bytes});
  } else {
    std::vector<BatchPtr> cut;
    CutByRows(WithoutProvenance(*batch), options_.cut_above_bytes, &cut);
    for (BatchPtr& piece : cut) {
      const size_t piece_bytes = BatchFrameBytes(*piece);
      if (piece_bytes > kMaxFrameBytes) {
        return absl::ResourceExhaustedError(absl::StrCat(
            id_.ToString(), ": a record of ", FormatBytes(piece_bytes), " is larger than the ",
            FormatBytes(kMaxFrameBytes), " that go to another worker at once"));
      }
      pieces.push_back({std::move(piece), piece_bytes});
    }
  }
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (closed_) return absl::OkStatus();
    if (batch != nullptr && queued_bytes_ >= options_.capacity_bytes + options_.overdraft_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          id_.ToString(), ": one step put more than ", options_.overdraft_bytes,
          " bytes into the queue to the next task on top of its ", options_.capacity_bytes));
    }
    for (QueuedElement& piece : pieces) Enqueue(std::move(piece));
    wake = ClaimWakeup();
  }
  if (wake && wake_link_) wake_link_();
  return absl::OkStatus();
}

void SendChannel::Enqueue(QueuedElement queued) {
  queued_bytes_ += queued.bytes;
  Append(std::move(queued), queue_);
  RaisePushed();
}

void SendChannel::RaisePushed() { pushed_ = std::max<uint64_t>(pushed_, sent_ + queued_bytes_); }

void SendChannel::FitFirst() {
  // Without a share no grant has come yet.
  if (queue_.empty() || grant_.exclusive == 0) return;
  QueuedElement& first = queue_.front();
  const uint64_t left = grant_.granted > sent_ ? grant_.granted - sent_ : 0;
  const size_t fits = std::max<uint64_t>({left, grant_.exclusive, options_.least_cut_bytes});
  if (first.bytes <= fits) return;
  const BatchPtr batch = WithoutProvenance(std::get<BatchPtr>(first.element));
  if (batch->num_rows() <= 1) return;
  const size_t rows = RowsWithin(*batch, fits);
  auto front = std::make_shared<const Batch>(batch->Slice(0, rows));
  auto rest = std::make_shared<const Batch>(batch->Slice(rows, batch->num_rows() - rows));
  const size_t front_bytes = BatchFrameBytes(*front);
  const size_t rest_bytes = BatchFrameBytes(*rest);
  queued_bytes_ += front_bytes + rest_bytes - first.bytes;
  first = {std::move(rest), rest_bytes};
  queue_.push_front({std::move(front), front_bytes});
  RaisePushed();
}

std::optional<OutgoingFrame> SendChannel::Take() {
  std::optional<OutgoingFrame> frame;
  bool has_room_again = false;
  {
    MutexLock lock(mutex_);
    FitFirst();
    if (FirstMayGo()) {
      QueuedElement first = std::move(queue_.front());
      queue_.pop_front();
      const bool had_room = queued_bytes_ < options_.capacity_bytes;
      queued_bytes_ -= first.bytes;
      has_room_again = !had_room && queued_bytes_ < options_.capacity_bytes;
      sent_ += first.bytes;
      frame = OutgoingFrame{std::move(first.element), ++sequence_, pushed_};
    } else if (OwesBacklog()) {
      frame = OutgoingFrame{std::nullopt, sequence_, pushed_};
    } else {
      woken_ = false;
    }
    if (frame.has_value()) told_ = pushed_;
  }
  if (has_room_again && wake_producer_) wake_producer_();
  return frame;
}

void SendChannel::OnGrant(const GrantLevels& levels) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    grant_.granted = std::max(grant_.granted, levels.granted);
    grant_.consumed = std::max(grant_.consumed, levels.consumed);
    grant_.exclusive = levels.exclusive;
    wake = ClaimWakeup();
  }
  if (wake && wake_link_) wake_link_();
}

void SendChannel::Close() {
  std::deque<QueuedElement> dropped;  // destroyed without the lock
  MutexLock lock(mutex_);
  closed_ = true;
  queue_.swap(dropped);
  queued_bytes_ = 0;
}

size_t SendChannel::queued_bytes() const {
  MutexLock lock(mutex_);
  return queued_bytes_;
}

bool SendChannel::FirstMayGo() const {
  if (queue_.empty()) return false;
  const size_t bytes = queue_.front().bytes;
  if (bytes == 0 || sent_ + bytes <= grant_.granted) return true;
  return grant_.exclusive > 0 && bytes > grant_.exclusive && sent_ == grant_.consumed;
}

bool SendChannel::OwesBacklog() const {
  if (queue_.empty() || pushed_ == told_) return false;
  // A grant comes for what the receiver knows of: the first one at least, whole.
  return told_ < sent_ + queue_.front().bytes || pushed_ - told_ >= options_.announce_bytes;
}

bool SendChannel::ClaimWakeup() {
  if (woken_ || closed_) return false;
  FitFirst();
  if (!FirstMayGo() && !OwesBacklog()) return false;
  woken_ = true;
  return true;
}

}  // namespace weir::taskmanager

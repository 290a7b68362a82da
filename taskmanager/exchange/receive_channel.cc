#include "taskmanager/exchange/receive_channel.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "taskmanager/exchange/frame_codec.h"

namespace weir::taskmanager {

void ReceiveChannel::SetConsumerWakeup(std::function<void()> wakeup) {
  auto wake = std::make_shared<const std::function<void()>>(std::move(wakeup));
  bool has_elements = false;
  {
    MutexLock lock(mutex_);
    wake_consumer_ = wake;
    has_elements = !queue_.empty();
  }
  if (has_elements) (*wake)();
}

std::optional<ChannelElement> ReceiveChannel::Pop() {
  QueuedElement first;
  {
    MutexLock lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    first = std::move(queue_.front());
    queue_.pop_front();
  }
  if (first.bytes > 0) pool_->Consumed(number_, first.bytes);
  return std::move(first.element);
}

std::optional<Barrier> ReceiveChannel::PopBarrier() {
  MutexLock lock(mutex_);
  if (queue_.empty() || !std::holds_alternative<Barrier>(queue_.front().element)) {
    return std::nullopt;
  }
  const Barrier barrier = std::get<Barrier>(queue_.front().element);
  queue_.pop_front();
  return barrier;
}

absl::Status ReceiveChannel::OnFrame(const FrameHeader& header, Buffer payload) {
  if (header.kind == FrameKind::kBacklog) return pool_->Arrived(number_, 0, header.pushed_bytes);
  bool duplicate = false;
  WEIR_RETURN_IF_ERROR(CheckSequence(header, &duplicate));
  if (duplicate) return absl::OkStatus();
  QueuedElement queued;
  WEIR_ASSIGN_OR_RETURN(queued.element, DecodeFrame(header, schema_, std::move(payload)));
  if (header.kind == FrameKind::kBatch) queued.bytes = header.frame_bytes;
  if (absl::Status counted = pool_->Arrived(number_, queued.bytes, header.pushed_bytes);
      !counted.ok()) {
    return Annotate(counted, id_.ToString());
  }
  sequence_ = header.sequence;
  Enqueue(std::move(queued));
  return absl::OkStatus();
}

absl::Status ReceiveChannel::CheckSequence(const FrameHeader& header, bool* duplicate) const {
  *duplicate = header.sequence <= sequence_;
  if (*duplicate || header.sequence == sequence_ + 1) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(id_.ToString(), ": frame ", header.sequence, " came behind frame ", sequence_));
}

void ReceiveChannel::Enqueue(QueuedElement queued) {
  std::shared_ptr<const std::function<void()>> wake;
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    if (queue_.empty()) wake = wake_consumer_;
    Append(std::move(queued), queue_);
  }
  if (wake != nullptr) (*wake)();
}

void ReceiveChannel::Close() {
  std::deque<QueuedElement> dropped;  // destroyed without the lock
  MutexLock lock(mutex_);
  closed_ = true;
  queue_.swap(dropped);
}

}  // namespace weir::taskmanager

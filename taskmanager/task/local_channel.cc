#include "taskmanager/task/local_channel.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {

void LocalChannel::SetConsumerWakeup(std::function<void()> wakeup) {
  wake_consumer_ = std::move(wakeup);
}

void LocalChannel::SetProducerWakeup(std::function<void()> wakeup) {
  wake_producer_ = std::move(wakeup);
}

bool LocalChannel::HasRoom() const {
  MutexLock lock(mutex_);
  return bytes_ < options_.capacity_bytes;
}

absl::Status LocalChannel::Push(ChannelElement element) {
  const size_t bytes = BytesOf(element);
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    if (bytes > 0 && bytes_ >= options_.capacity_bytes + options_.overdraft_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "one step put more than ", options_.overdraft_bytes,
          " bytes into the queue to the next task on top of its ", options_.capacity_bytes));
    }
    was_empty = queue_.empty();
    bytes_ += bytes;
    Append({std::move(element), bytes}, queue_);
  }
  if (was_empty && wake_consumer_) wake_consumer_();
  return absl::OkStatus();
}

std::optional<ChannelElement> LocalChannel::Pop() {
  QueuedElement first;
  bool has_room_again = false;
  {
    MutexLock lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    first = std::move(queue_.front());
    queue_.pop_front();
    const bool had_room = bytes_ < options_.capacity_bytes;
    bytes_ -= first.bytes;
    has_room_again = !had_room && bytes_ < options_.capacity_bytes;
  }
  if (has_room_again && wake_producer_) wake_producer_();
  return std::move(first.element);
}

std::optional<Barrier> LocalChannel::PopBarrier() {
  MutexLock lock(mutex_);
  if (queue_.empty() || !std::holds_alternative<Barrier>(queue_.front().element)) {
    return std::nullopt;
  }
  const Barrier barrier = std::get<Barrier>(queue_.front().element);
  queue_.pop_front();
  return barrier;
}

size_t LocalChannel::queued_bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

size_t LocalChannel::BytesOf(const ChannelElement& element) {
  const BatchPtr* batch = std::get_if<BatchPtr>(&element);
  // A batch without bytes (no columns) still takes memory.
  return batch == nullptr ? 0 : (*batch)->size_bytes() + sizeof(Batch);
}

}  // namespace weir::taskmanager

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "absl/status/status.h"

#include "common/exec/mutex.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/channel_queue.h"

namespace weir::taskmanager {

struct LocalChannelOptions {
  size_t capacity_bytes = 2u << 20;
  /// What one step of the producer may add on top (a flatMap multiplies its input).
  size_t overdraft_bytes = 64u << 20;
};

/// The queue between two chained tasks of one worker: bounded in bytes, batches by pointer, control
/// elements in order with them and never waiting for room, bounded by their number
/// (kMaxControlInARow).
///
/// Life cycle: made by whoever builds the two tasks and shared by them; the wake-ups are set once,
/// before either task runs.
/// Threads: one producer and one consumer, which may be the same thread; wake-ups are called on
/// the other side's thread.
/// Errors: Push returns RESOURCE_EXHAUSTED when one step went past the overdraft.
class LocalChannel final : public ChannelInput, public ChannelOutput {
 public:
  explicit LocalChannel(const LocalChannelOptions& options = {}) : options_(options) {}
  LocalChannel(const LocalChannel&) = delete;
  LocalChannel& operator=(const LocalChannel&) = delete;

  void SetConsumerWakeup(std::function<void()> wakeup) override;
  void SetProducerWakeup(std::function<void()> wakeup) override;
  bool HasRoom() const override;
  absl::Status Push(ChannelElement element) override;
  std::optional<ChannelElement> Pop() override;
  std::optional<Barrier> PopBarrier() override;

  size_t queued_bytes() const;

 private:
  static size_t BytesOf(const ChannelElement& element);

  const LocalChannelOptions options_;
  mutable Mutex mutex_;
  std::deque<QueuedElement> queue_ WEIR_GUARDED_BY(mutex_);
  size_t bytes_ WEIR_GUARDED_BY(mutex_) = 0;
  std::function<void()> wake_consumer_;
  std::function<void()> wake_producer_;
};

}  // namespace weir::taskmanager

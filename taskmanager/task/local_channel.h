#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <variant>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/exec/mutex.h"
#include "common/time/event_time.h"
#include "common/types/batch.h"

namespace weir::taskmanager {

/// Cuts the stream: what is before it belongs to `epoch`. (epoch, attempt) names one try of one
/// checkpoint.
struct Barrier {
  Epoch epoch;
  LeaderTerm attempt;
  bool final = false;  // the last checkpoint of the job, taken when all tasks are FINISHED
};

struct EndOfInput {};

/// What travels between two tasks, in one order for all kinds.
using ChannelElement = std::variant<BatchPtr, EventTime, Barrier, EndOfInput>;

struct LocalChannelOptions {
  size_t capacity_bytes = 2u << 20;
  /// What one step of the producer may add on top (a flatMap multiplies its input).
  size_t overdraft_bytes = 64u << 20;
};

/// The queue between two chained tasks of one worker: bounded in bytes, batches by pointer, control
/// elements in order with them and never waiting for room.
///
/// Life cycle: made by whoever builds the two tasks and shared by them; the wake-ups are set once,
/// before either task runs.
/// Threads: one producer and one consumer, which may be the same thread; wake-ups are called on
/// the other side's thread.
/// Errors: Push returns RESOURCE_EXHAUSTED when one step went past the overdraft.
class LocalChannel {
 public:
  explicit LocalChannel(const LocalChannelOptions& options = {}) : options_(options) {}
  LocalChannel(const LocalChannel&) = delete;
  LocalChannel& operator=(const LocalChannel&) = delete;

  void SetConsumerWakeup(std::function<void()> wakeup);
  void SetProducerWakeup(std::function<void()> wakeup);

  /// The producer may take one more step.
  bool HasRoom() const;
  absl::Status Push(ChannelElement element);
  /// The oldest element; nothing when the channel is empty.
  std::optional<ChannelElement> Pop();
  /// The oldest element if that is a barrier: what a consumer without room may still take.
  std::optional<Barrier> PopBarrier();

  size_t queued_bytes() const;

 private:
  static size_t BytesOf(const ChannelElement& element);

  const LocalChannelOptions options_;
  mutable Mutex mutex_;
  std::deque<ChannelElement> elements_ WEIR_GUARDED_BY(mutex_);
  size_t bytes_ WEIR_GUARDED_BY(mutex_) = 0;
  std::function<void()> wake_consumer_;
  std::function<void()> wake_producer_;
};

}  // namespace weir::taskmanager

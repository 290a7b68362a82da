#pragma once

#include <functional>
#include <optional>
#include <variant>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/time/event_time.h"
#include "common/types/batch.h"

namespace weir::taskmanager {

/// Cuts the stream: what is before it belongs to `epoch`. (epoch, attempt) names one try of one
/// checkpoint.
struct Barrier {
  Epoch epoch;
  LeaderTerm attempt;
  bool final = false;     // the last checkpoint of the job, taken when all tasks are FINISHED
  bool suspends = false;  // nothing may follow it: timers that are due fire before it is taken
};

struct EndOfInput {};

/// The producer gives no watermarks for a while, and holds nobody back; or it does again.
struct StreamStatus {
  bool idle = false;
};

/// What travels between two tasks, in one order for all kinds.
using ChannelElement = std::variant<BatchPtr, EventTime, Barrier, EndOfInput, StreamStatus>;

/// The end of a channel that its producer holds.
///
/// A channel joins two tasks, of one worker or of two (docs/protocols/exchange.md); its elements
/// come out in the order they went in, but for control that waits and that a later one makes
/// meaningless (channel_queue.h): a consumer that stands still for ever holds no more than a
/// bounded number of them. Threads: the producing task's; the wake-up is set once, before the task
/// runs, and called on any thread.
class ChannelOutput {
 public:
  virtual ~ChannelOutput() = default;
  /// Called when there is room again.
  virtual void SetProducerWakeup(std::function<void()> wakeup) = 0;
  /// The producer may take one more step. Only batches need room.
  virtual bool HasRoom() const = 0;
  /// RESOURCE_EXHAUSTED when one step went past what it may add without room.
  virtual absl::Status Push(ChannelElement element) = 0;
};

/// The end of a channel that its consumer holds. Threads: the consuming task's; the wake-up as
/// above.
class ChannelInput {
 public:
  virtual ~ChannelInput() = default;
  /// Called when the channel is not empty any more.
  virtual void SetConsumerWakeup(std::function<void()> wakeup) = 0;
  /// The oldest element; nothing when the channel is empty.
  virtual std::optional<ChannelElement> Pop() = 0;
  /// The oldest element if that is a barrier: what a consumer without room may still take.
  virtual std::optional<Barrier> PopBarrier() = 0;
};

}  // namespace weir::taskmanager

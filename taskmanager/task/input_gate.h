#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/time/event_time.h"
#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

/// All channels into a task, as one stream: batches in turn, watermarks merged to their minimum,
/// barriers aligned (docs/protocols/checkpointing.md).
///
/// A channel that has delivered a barrier is not read until all others have delivered it, or have
/// ended. A barrier of a later epoch ends the alignment for the one before, which nobody completes
/// any more. An idle channel holds no watermark back. One that has given the last watermark of all
/// has finished, and holds back nothing either; one that ends without it (its source was stopped)
/// keeps the others where it was. Idle and finished together are idle, and give no watermark but,
/// before that, the highest that any channel had reached: a gate that heard of them in another
/// order has given it, and nobody waits for a task that is idle. All finished give the last one.
/// All ended is the end of input, behind which barriers still come.
///
/// Threads: the task's; the wake-up is called on any.
class InputGate {
 public:
  explicit InputGate(std::vector<std::shared_ptr<ChannelInput>> channels);

  void SetWakeup(const std::function<void()>& wakeup);
  /// The watermark of a snapshot: comes first of all, and none below it follows. A channel that was
  /// at its end, or idle, may begin with an older one.
  void Restore(EventTime watermark);

  /// The next element; nothing when no channel has one that may be read now. Watermarks only rise.
  std::optional<ChannelElement> Next();
  /// Without room for batches: takes barriers that stand at the head of their channels, and gives
  /// the one that is complete by it, also before a watermark that Next has still to give: that is
  /// watermark() already. One that suspends overtakes none: what it makes due would come behind it.
  std::optional<Barrier> NextBarrier();

  /// The checkpoint of this epoch is given up: an alignment for it or an earlier one ends, and its
  /// barriers that are yet to come are dropped.
  void Abort(Epoch epoch);

  size_t channels() const { return channels_.size(); }
  /// The epoch whose barrier has come on some channels, and not yet on all.
  std::optional<Epoch> aligning() const {
    return aligning_.has_value() ? std::optional(aligning_->epoch) : std::nullopt;
  }
  /// The last watermark that was given, or is given by Next before anything else.
  std::optional<EventTime> watermark() const { return merged_; }

 private:
  struct Channel {
    std::shared_ptr<ChannelInput> input;
    std::optional<EventTime> watermark;
    std::optional<EventTime> reached;  // the highest below the last one of all
    bool blocked = false;              // behind the barrier that is being aligned
    bool idle = false;
    bool ended = false;
  };

  // Adds what the element means for the task to ready_, which may be nothing yet.
  void Take(Channel& channel, ChannelElement element);
  void TakeBarrier(Channel& channel, const Barrier& barrier);
  void CompleteAlignment();
  void MergeWatermarks();
  // Before the gate turns idle.
  void GiveWhatWasReached();
  bool AllEnded() const;

  std::vector<Channel> channels_;
  size_t next_ = 0;  // whose turn it is
  std::optional<Barrier> aligning_;
  std::optional<Epoch> aligned_;  // the last one that was given, or given up
  std::optional<EventTime> merged_;
  bool idle_ = false;  // as told
  std::deque<ChannelElement> ready_;
};

}  // namespace weir::taskmanager

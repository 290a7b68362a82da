#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "absl/status/status.h"

#include "common/exec/mutex.h"
#include "taskmanager/exchange/channel_id.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/channel_queue.h"

namespace weir::taskmanager {

struct SendChannelOptions {
  size_t capacity_bytes = 2u << 20;
  /// What one step of the producer may add on top (a flatMap multiplies its input).
  size_t overdraft_bytes = 64u << 20;
  /// A batch with a larger frame is cut by rows when it is pushed.
  size_t cut_above_bytes = 256u << 10;
  /// One that the channel's share of credit cannot take is cut to it when it is sent, but not to
  /// less than this: each frame has a header.
  size_t least_cut_bytes = 4u << 10;
  /// More has been put in than was told: told when as much of it is new.
  size_t announce_bytes = 64u << 10;
};

/// What a channel sends next: an element, or its backlog alone.
struct OutgoingFrame {
  std::optional<ChannelElement> element;
  uint64_t sequence = 0;
  uint64_t pushed_bytes = 0;
};

/// The producer's end of a channel to another worker: a queue bounded in bytes, its control
/// elements by their number (kMaxControlInARow), and the rule when its first element may go
/// (docs/protocols/exchange.md). Knows nothing of connections.
///
/// Life cycle: shared by the producing task and the link; the wake-ups are set once, before either
/// uses it. After Close it has no room, and drops what is pushed.
/// Threads: ChannelOutput's on the producing task's; the rest on any. Wake-ups are called without a
/// lock, on the thread that caused them.
/// Units: bytes are those of frames, counted from the first one.
class SendChannel final : public ChannelOutput {
 public:
  SendChannel(const ChannelId& id, const SendChannelOptions& options)
      : id_(id), options_(options) {}
  SendChannel(const SendChannel&) = delete;
  SendChannel& operator=(const SendChannel&) = delete;

  const ChannelId& id() const { return id_; }

  void SetProducerWakeup(std::function<void()> wakeup) override;
  bool HasRoom() const override;
  /// RESOURCE_EXHAUSTED also for a row that no frame can hold; nothing of the batch is sent then.
  absl::Status Push(ChannelElement element) override;

  /// Called when there is something to take. It is not called again before Take has returned
  /// nothing.
  void SetSendWakeup(std::function<void()> wakeup);
  /// What may be sent now.
  std::optional<OutgoingFrame> Take();
  /// Lower levels than before say nothing.
  void OnGrant(const GrantLevels& levels);

  void Close();

  size_t queued_bytes() const;

 private:
  void Enqueue(QueuedElement queued) WEIR_REQUIRES(mutex_);
  // Cuts the first batch when it needs more credit than the channel can count on.
  void FitFirst() WEIR_REQUIRES(mutex_);
  // What the link is told never falls, although a cut may save bytes.
  void RaisePushed() WEIR_REQUIRES(mutex_);
  bool FirstMayGo() const WEIR_REQUIRES(mutex_);
  bool OwesBacklog() const WEIR_REQUIRES(mutex_);
  // True when the link is to be woken.
  bool ClaimWakeup() WEIR_REQUIRES(mutex_);

  const ChannelId id_;
  const SendChannelOptions options_;
  std::function<void()> wake_producer_;
  std::function<void()> wake_link_;

  mutable Mutex mutex_;
  std::deque<QueuedElement> queue_ WEIR_GUARDED_BY(mutex_);
  size_t queued_bytes_ WEIR_GUARDED_BY(mutex_) = 0;
  uint64_t pushed_ WEIR_GUARDED_BY(mutex_) = 0;
  uint64_t told_ WEIR_GUARDED_BY(mutex_) = 0;  // of pushed_
  uint64_t sent_ WEIR_GUARDED_BY(mutex_) = 0;
  uint64_t sequence_ WEIR_GUARDED_BY(mutex_) = 0;  // of the last element sent
  GrantLevels grant_ WEIR_GUARDED_BY(mutex_);
  bool woken_ WEIR_GUARDED_BY(mutex_) = false;  // the link will come and take
  bool closed_ WEIR_GUARDED_BY(mutex_) = false;
};

/// The largest frame: with what goes before it in one message it is below kMaxMessageBytes.
constexpr size_t kMaxFrameBytes = 31u << 20;

}  // namespace weir::taskmanager

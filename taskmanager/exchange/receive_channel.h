#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"

#include "common/exec/mutex.h"
#include "common/types/schema.h"
#include "taskmanager/exchange/channel_id.h"
#include "taskmanager/exchange/credit_pool.h"
#include "taskmanager/exchange/frame_header.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/channel_queue.h"

namespace weir::taskmanager {

/// The consumer's end of a channel from another worker: what came and was not taken. Its batches
/// are bounded by the credits of the pool, which get back what the task takes, its control elements
/// by their number (kMaxControlInARow). docs/protocols/exchange.md.
///
/// Life cycle: shared by the link and the consuming task. The wake-up may be set after the first
/// frames came: it is called at once then. After Close the channel is empty for good.
/// Threads: ChannelInput's on the consuming task's, the wake-up also before the task runs; OnFrame
/// on one thread at a time; Close on any.
class ReceiveChannel final : public ChannelInput {
 public:
  ReceiveChannel(const ChannelId& id, SchemaPtr schema, std::shared_ptr<CreditPool> pool,
                 size_t number_in_pool)
      : id_(id), schema_(std::move(schema)), pool_(std::move(pool)), number_(number_in_pool) {}
  ReceiveChannel(const ReceiveChannel&) = delete;
  ReceiveChannel& operator=(const ReceiveChannel&) = delete;

  const ChannelId& id() const { return id_; }
  size_t number_in_pool() const { return number_; }

  void SetConsumerWakeup(std::function<void()> wakeup) override;
  std::optional<ChannelElement> Pop() override;
  std::optional<Barrier> PopBarrier() override;

  /// A frame of this channel, with what MessageCursor::CopyPayload made of it. DATA_LOSS or
  /// FAILED_PRECONDITION naming the channel when it is not the next one, does not decode or was not
  /// granted: the link is to be given up. Frames with an earlier sequence are dropped.
  absl::Status OnFrame(const FrameHeader& header, Buffer payload);

  void Close();

 private:
  absl::Status CheckSequence(const FrameHeader& header, bool* duplicate) const;
  void Enqueue(QueuedElement queued);

  const ChannelId id_;
  const SchemaPtr schema_;
  const std::shared_ptr<CreditPool> pool_;
  const size_t number_;
  uint64_t sequence_ = 0;  // of the last element; touched by OnFrame only

  Mutex mutex_;
  std::deque<QueuedElement> queue_ WEIR_GUARDED_BY(mutex_);
  std::shared_ptr<const std::function<void()>> wake_consumer_ WEIR_GUARDED_BY(mutex_);
  bool closed_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir::taskmanager

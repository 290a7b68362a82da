#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/status/status.h"

#include "common/exec/mutex.h"
#include "taskmanager/exchange/channel_id.h"

namespace weir::taskmanager {

struct CreditPoolOptions {
  size_t budget_bytes = 64u << 20;
  /// Of each channel. Less when the channels together would get more than half of the budget.
  size_t exclusive_bytes = 256u << 10;
  /// Of the rest, what one channel may hold.
  size_t max_floating_bytes = 2u << 20;
  /// What a channel gets at a time.
  size_t quantum_bytes = 64u << 10;
};

/// Divides the memory of a worker for what other workers send it among all channels: a share for
/// each, the rest by turns to those with a backlog (docs/protocols/exchange.md, credits). The sum
/// over all channels of max(share, granted - consumed) never exceeds the budget.
///
/// Life cycle: made for a generation with all its channels, which are numbered from 0.
/// Threads: any; nothing waits. `on_due` is called without the pool's lock, on the thread that
/// caused it; it is not called again before TakeDue.
class CreditPool {
 public:
  struct Due {
    size_t channel = 0;
    GrantLevels levels;
  };

  CreditPool(const CreditPoolOptions& options, size_t channels, std::function<void()> on_due);
  CreditPool(const CreditPool&) = delete;
  CreditPool& operator=(const CreditPool&) = delete;

  /// A frame came: a batch of so many bytes, or 0 for others; and its sender has put in this much
  /// in all. FAILED_PRECONDITION, and nothing is counted, when the batch was not granted.
  absl::Status Arrived(size_t channel, size_t batch_bytes, uint64_t pushed_bytes);
  /// The task took a batch.
  void Consumed(size_t channel, size_t bytes);
  /// A channel's link has just opened, and its sender knows of no grant.
  void Opened(size_t channel);

  /// What is to be told to senders. Each channel at most once; what nobody was told does not come
  /// again, levels of the same channel that come later are higher.
  std::vector<Due> TakeDue();

  size_t exclusive_bytes() const { return exclusive_; }
  /// The sum that the budget bounds.
  size_t committed_bytes() const;
  /// Received and not consumed, of all channels.
  size_t unconsumed_bytes() const;

 private:
  struct Channel {
    uint64_t pushed = 0;
    uint64_t received = 0;
    uint64_t consumed = 0;
    uint64_t granted = 0;
    GrantLevels told;
    bool waiting = false;  // stands in waiting_
    bool due = false;      // stands in due_
    bool opened = false;
  };

  uint64_t Floating(const Channel& channel) const;
  uint64_t Wanted(const Channel& channel) const;
  // After a change of this channel's counts. True when on_due is to be called.
  bool Settle(size_t index, uint64_t floating_before) WEIR_REQUIRES(mutex_);
  void GiveFloating() WEIR_REQUIRES(mutex_);
  void NoteDue(size_t index) WEIR_REQUIRES(mutex_);
  bool IsDue(const Channel& channel) const;

  const CreditPoolOptions options_;
  const size_t exclusive_;
  const std::function<void()> on_due_;

  mutable Mutex mutex_;
  std::vector<Channel> channels_ WEIR_GUARDED_BY(mutex_);
  uint64_t floating_free_ WEIR_GUARDED_BY(mutex_) = 0;
  std::deque<size_t> waiting_ WEIR_GUARDED_BY(mutex_);  // channels that want floating credit
  std::vector<size_t> due_ WEIR_GUARDED_BY(mutex_);
  bool called_ WEIR_GUARDED_BY(mutex_) = false;  // on_due, since the last TakeDue
};

}  // namespace weir::taskmanager

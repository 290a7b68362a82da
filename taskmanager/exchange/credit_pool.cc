#include "taskmanager/exchange/credit_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {
namespace {

// Half of the budget floats at least.
size_t ShareOf(const CreditPoolOptions& options, size_t channels) {
  if (channels == 0) return options.exclusive_bytes;
  return std::max<size_t>(1,
                          std::min(options.exclusive_bytes, options.budget_bytes / 2 / channels));
}

}  // namespace

CreditPool::CreditPool(const CreditPoolOptions& options, size_t channels,
                       std::function<void()> on_due)
    : options_(options),
      exclusive_(ShareOf(options, channels)),
      on_due_(std::move(on_due)),
      channels_(channels) {
  const size_t shares = channels * exclusive_;
  floating_free_ = options.budget_bytes > shares ? options.budget_bytes - shares : 0;
  for (Channel& channel : channels_) channel.granted = exclusive_;
}

absl::Status CreditPool::Arrived(size_t channel, size_t batch_bytes, uint64_t pushed_bytes) {
  bool call = false;
  {
    MutexLock lock(mutex_);
    Channel& one = channels_[channel];
    const bool granted = batch_bytes == 0 || one.received + batch_bytes <= one.granted;
    const bool oversize = batch_bytes > exclusive_ && one.received == one.consumed;
    if (!granted && !oversize) {
      return absl::FailedPreconditionError(
          absl::StrCat("a batch of ", batch_bytes, " bytes came behind ", one.received,
                       ", but only ", one.granted, " are granted"));
    }
    one.received += batch_bytes;
    one.pushed = std::max(one.pushed, pushed_bytes);
    call = Settle(channel, Floating(one));
  }
  if (call) on_due_();
  return absl::OkStatus();
}

void CreditPool::Consumed(size_t channel, size_t bytes) {
  bool call = false;
  {
    MutexLock lock(mutex_);
    Channel& one = channels_[channel];
    const uint64_t floating_before = Floating(one);
    one.consumed += bytes;
    one.granted = std::max(one.granted, one.consumed + exclusive_);
    call = Settle(channel, floating_before);
  }
  if (call) on_due_();
}

void CreditPool::Opened(size_t channel) {
  bool call = false;
  {
    MutexLock lock(mutex_);
    channels_[channel].opened = true;
    call = Settle(channel, Floating(channels_[channel]));
  }
  if (call) on_due_();
}

std::vector<CreditPool::Due> CreditPool::TakeDue() {
  std::vector<Due> taken;
  MutexLock lock(mutex_);
  called_ = false;
  taken.reserve(due_.size());
  for (const size_t index : due_) {
    Channel& channel = channels_[index];
    channel.due = false;
    channel.told = {channel.granted, channel.consumed, exclusive_};
    taken.push_back({index, channel.told});
  }
  due_.clear();
  return taken;
}

size_t CreditPool::committed_bytes() const {
  MutexLock lock(mutex_);
  size_t sum = 0;
  for (const Channel& channel : channels_) sum += exclusive_ + Floating(channel);
  return sum;
}

size_t CreditPool::unconsumed_bytes() const {
  MutexLock lock(mutex_);
  size_t sum = 0;
  for (const Channel& channel : channels_) sum += channel.received - channel.consumed;
  return sum;
}

// What the channel holds beyond its share. (granted < consumed after an oversize batch: nothing.)
uint64_t CreditPool::Floating(const Channel& channel) const {
  const uint64_t share_end = channel.consumed + exclusive_;
  return channel.granted > share_end ? channel.granted - share_end : 0;
}

uint64_t CreditPool::Wanted(const Channel& channel) const {
  const uint64_t held = Floating(channel);
  // An oversize batch that came without a grant is worked off first.
  if (channel.received > channel.granted || channel.pushed <= channel.granted) return 0;
  if (held >= options_.max_floating_bytes) return 0;
  return std::min(channel.pushed - channel.granted, options_.max_floating_bytes - held);
}

bool CreditPool::Settle(size_t index, uint64_t floating_before) {
  Channel& channel = channels_[index];
  floating_free_ += floating_before - Floating(channel);
  if (!channel.waiting && Wanted(channel) > 0) {
    channel.waiting = true;
    waiting_.push_back(index);
  }
  GiveFloating();
  NoteDue(index);
  return !due_.empty() && !std::exchange(called_, true);
}

void CreditPool::GiveFloating() {
  while (floating_free_ > 0 && !waiting_.empty()) {
    const size_t index = waiting_.front();
    waiting_.pop_front();
    Channel& channel = channels_[index];
    const uint64_t given =
        std::min({Wanted(channel), uint64_t{options_.quantum_bytes}, floating_free_});
    channel.granted += given;
    floating_free_ -= given;
    channel.waiting = Wanted(channel) > 0;
    if (channel.waiting) waiting_.push_back(index);
    NoteDue(index);
  }
}

void CreditPool::NoteDue(size_t index) {
  Channel& channel = channels_[index];
  if (channel.due || !IsDue(channel)) return;
  channel.due = true;
  due_.push_back(index);
}

bool CreditPool::IsDue(const Channel& channel) const {
  if (!channel.opened) return false;
  if (channel.told.exclusive == 0) return true;  // nothing has been told yet
  // Half of what the channel holds has come together: few messages, and none waits for this one.
  const uint64_t held = channel.granted - channel.consumed;
  if (channel.granted - channel.told.granted >= std::max<uint64_t>(1, held / 2)) return true;
  const bool changed =
      channel.granted != channel.told.granted || channel.consumed != channel.told.consumed;
  // The sender may be waiting: it has more than it was granted, and all it sent is worked off.
  return changed && channel.pushed > channel.told.granted && channel.consumed == channel.received;
}

}  // namespace weir::taskmanager

#include "taskmanager/task/input_gate.h"

#include <algorithm>
#include <utility>

namespace weir::taskmanager {

InputGate::InputGate(std::vector<std::shared_ptr<ChannelInput>> channels) {
  for (std::shared_ptr<ChannelInput>& input : channels) {
    Channel& channel = channels_.emplace_back();
    channel.input = std::move(input);
  }
}

void InputGate::SetWakeup(const std::function<void()>& wakeup) {
  for (Channel& channel : channels_) channel.input->SetConsumerWakeup(wakeup);
}

void InputGate::Restore(EventTime watermark) {
  merged_ = watermark;
  ready_.push_back(watermark);
}

std::optional<ChannelElement> InputGate::Next() {
  size_t empty = 0;  // channels in a row that gave nothing
  while (ready_.empty() && empty < channels_.size()) {
    Channel& channel = channels_[next_];
    next_ = next_ + 1 == channels_.size() ? 0 : next_ + 1;
    std::optional<ChannelElement> element;
    if (!channel.blocked) element = channel.input->Pop();
    empty = element.has_value() ? 0 : empty + 1;
    if (element.has_value()) Take(channel, *std::move(element));
  }
  if (ready_.empty()) return std::nullopt;
  ChannelElement element = std::move(ready_.front());
  ready_.pop_front();
  return element;
}

std::optional<Barrier> InputGate::NextBarrier() {
  // Watermarks may be overtaken: they are merged already, so the snapshot has them.
  const auto first = [this] {
    return std::find_if(ready_.begin(), ready_.end(), [](const ChannelElement& element) {
      return !std::holds_alternative<EventTime>(element);
    });
  };
  if (first() == ready_.end()) {
    for (Channel& channel : channels_) {
      if (channel.blocked) continue;
      if (const std::optional<Barrier> barrier = channel.input->PopBarrier()) {
        TakeBarrier(channel, *barrier);
      }
      if (first() != ready_.end()) break;
    }
  }
  const auto found = first();
  if (found == ready_.end() || !std::holds_alternative<Barrier>(*found)) return std::nullopt;
  const Barrier barrier = std::get<Barrier>(*found);
  if (barrier.suspends && found != ready_.begin()) return std::nullopt;
  ready_.erase(found);
  return barrier;
}

void InputGate::Take(Channel& channel, ChannelElement element) {
  if (std::holds_alternative<BatchPtr>(element)) {
    ready_.push_back(std::move(element));
  } else if (const Barrier* barrier = std::get_if<Barrier>(&element)) {
    TakeBarrier(channel, *barrier);
  } else if (const EventTime* watermark = std::get_if<EventTime>(&element)) {
    channel.watermark = std::max(channel.watermark.value_or(*watermark), *watermark);
    if (*channel.watermark != EventTime::Max()) channel.reached = channel.watermark;
    channel.idle = false;
    MergeWatermarks();
  } else if (const StreamStatus* status = std::get_if<StreamStatus>(&element)) {
    // Behind the last watermark of all there is neither active nor idle.
    if (channel.watermark == EventTime::Max()) return;
    channel.idle = status->idle;
    MergeWatermarks();
  } else if (!channel.ended) {
    channel.ended = true;
    CompleteAlignment();  // which may have waited for this channel alone
    if (AllEnded()) ready_.push_back(EndOfInput());
  }
}

void InputGate::TakeBarrier(Channel& channel, const Barrier& barrier) {
  if (aligned_.has_value() && barrier.epoch <= *aligned_) return;
  if (aligning_.has_value() && barrier.epoch < aligning_->epoch) return;
  if (!aligning_.has_value() || barrier.epoch > aligning_->epoch) {
    for (Channel& other : channels_) other.blocked = false;
    aligning_ = barrier;
  }
  channel.blocked = true;
  CompleteAlignment();
}

void InputGate::CompleteAlignment() {
  if (!aligning_.has_value()) return;
  for (const Channel& channel : channels_) {
    if (!channel.blocked && !channel.ended) return;
  }
  for (Channel& channel : channels_) channel.blocked = false;
  aligned_ = aligning_->epoch;
  ready_.push_back(*std::exchange(aligning_, std::nullopt));
}

void InputGate::Abort(Epoch epoch) {
  std::erase_if(ready_, [epoch](const ChannelElement& element) {
    const Barrier* barrier = std::get_if<Barrier>(&element);
    return barrier != nullptr && barrier->epoch <= epoch;
  });
  if (aligned_.has_value() && epoch <= *aligned_) return;
  aligned_ = epoch;
  if (!aligning_.has_value() || aligning_->epoch > epoch) return;
  aligning_.reset();
  for (Channel& channel : channels_) channel.blocked = false;
}

void InputGate::MergeWatermarks() {
  // One with the last watermark of all is neither active nor idle.
  EventTime minimum = EventTime::Max();
  bool some_idle = false;
  bool some_active = false;
  bool missing = false;
  for (const Channel& channel : channels_) {
    if (channel.idle) {
      some_idle = true;
    } else if (channel.watermark != EventTime::Max()) {
      some_active = true;
      missing = missing || !channel.watermark.has_value();
      minimum = std::min(minimum, channel.watermark.value_or(minimum));
    }
  }
  const bool idle = some_idle && !some_active;
  if (idle && !idle_) GiveWhatWasReached();
  if (idle != idle_) {
    idle_ = idle;
    ready_.push_back(StreamStatus{idle_});
  }
  if (idle || missing || (merged_.has_value() && minimum <= *merged_)) return;
  merged_ = minimum;
  ready_.push_back(minimum);
}

void InputGate::GiveWhatWasReached() {
  std::optional<EventTime> highest;
  for (const Channel& channel : channels_) {
    if (!channel.reached.has_value()) continue;
    highest = std::max(highest.value_or(*channel.reached), *channel.reached);
  }
  if (!highest.has_value() || (merged_.has_value() && *highest <= *merged_)) return;
  merged_ = highest;
  ready_.push_back(*highest);
}

bool InputGate::AllEnded() const {
  return std::all_of(channels_.begin(), channels_.end(),
                     [](const Channel& channel) { return channel.ended; });
}

}  // namespace weir::taskmanager

#include "taskmanager/exchange/send_link.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "taskmanager/exchange/frame_codec.h"
#include "taskmanager/exchange/grant_codec.h"

namespace weir::taskmanager {
namespace {

std::map<ChannelId, SendChannel*> ById(const std::vector<std::shared_ptr<SendChannel>>& channels) {
  std::map<ChannelId, SendChannel*> by_id;
  for (const auto& channel : channels) by_id.emplace(channel->id(), channel.get());
  return by_id;
}

}  // namespace

SendLink::SendLink(const LinkIdentity& identity, std::vector<std::shared_ptr<SendChannel>> channels,
                   std::shared_ptr<ExchangeCounters> counters)
    : identity_(identity),
      channels_(std::move(channels)),
      by_id_(ById(channels_)),
      counters_(std::move(counters)),
      sender_([this] { return CollectMessage(); }) {}

void SendLink::Start() {
  for (const auto& channel : channels_) {
    channel->SetSendWakeup([weak = weak_from_this(), one = channel.get()] {
      if (const auto self = weak.lock()) self->Schedule(one);
    });
  }
}

void SendLink::Schedule(SendChannel* channel) {
  {
    MutexLock lock(mutex_);
    ready_.push_back(channel);
  }
  sender_.Pump();
}

SendChannel* SendLink::NextReady() {
  MutexLock lock(mutex_);
  if (ready_.empty()) return nullptr;
  SendChannel* const channel = ready_.front();
  ready_.pop_front();
  return channel;
}

std::vector<Buffer> SendLink::CollectMessage() {
  std::vector<Buffer> message;
  size_t bytes = 0;
  size_t counted = 0;
  uint64_t frames = 0;
  while (bytes < kFullMessageBytes) {
    SendChannel* const channel = NextReady();
    if (channel == nullptr) break;
    const std::optional<OutgoingFrame> frame = channel->Take();
    if (!frame.has_value()) continue;  // it calls again when there is more
    FrameHeader header;
    header.link = identity_;
    header.channel = channel->id();
    header.sequence = frame->sequence;
    header.pushed_bytes = frame->pushed_bytes;
    AppendFrame(header, frame->element.has_value() ? &*frame->element : nullptr, &message);
    for (; counted < message.size(); ++counted) bytes += message[counted].size();
    ++frames;
    MutexLock lock(mutex_);
    ready_.push_back(channel);
  }
  if (frames > 0) {
    ExchangeCounters::Add(counters_->messages_sent, 1);
    ExchangeCounters::Add(counters_->frames_sent, frames);
    ExchangeCounters::Add(counters_->bytes_sent, bytes);
  }
  return message;
}

absl::Status SendLink::OnMessage(std::span<const absl::string_view> pieces) {
  DecodedGrants decoded;
  if (!DecodeGrants(pieces, &decoded)) {
    return absl::DataLossError("a message with grants cannot be read");
  }
  if (decoded.link != identity_) {
    ExchangeCounters::Add(counters_->stale_grants, decoded.grants.size());
    return absl::OkStatus();
  }
  for (const ChannelLevels& grant : decoded.grants) {
    const auto found = by_id_.find(grant.channel);
    if (found == by_id_.end()) {
      ExchangeCounters::Add(counters_->stale_grants, 1);
    } else {
      found->second->OnGrant(grant.levels);
    }
  }
  return absl::OkStatus();
}

void SendLink::Close() {
  for (const auto& channel : channels_) channel->Close();
  sender_.Detach();
}

}  // namespace weir::taskmanager

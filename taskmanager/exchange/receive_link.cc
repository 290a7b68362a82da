#include "taskmanager/exchange/receive_link.h"

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"

namespace weir::taskmanager {

ReceiveLink::ReceiveLink(const LinkIdentity& identity,
                         std::vector<std::shared_ptr<ReceiveChannel>> channels,
                         std::shared_ptr<ExchangeCounters> counters)
    : identity_(identity),
      channels_(std::move(channels)),
      counters_(std::move(counters)),
      sender_([this] { return CollectMessage(); }) {
  for (const auto& channel : channels_) by_id_.emplace(channel->id(), channel.get());
}

absl::Status ReceiveLink::OnMessage(std::span<const absl::string_view> pieces) {
  if (failed_) return absl::OkStatus();
  absl::Status status = OnFrames(pieces);
  failed_ = !status.ok();
  return status;
}

absl::Status ReceiveLink::OnFrames(std::span<const absl::string_view> pieces) {
  MessageCursor cursor(pieces);
  while (!cursor.done()) {
    WEIR_ASSIGN_OR_RETURN(const FrameHeader header, cursor.ReadHeader());
    const auto found = by_id_.find(header.channel);
    if (header.link != identity_ || found == by_id_.end()) {
      ExchangeCounters::Add(counters_->stale_frames, 1);
      cursor.SkipPayload(header);
      continue;
    }
    ExchangeCounters::Add(counters_->frames_received, 1);
    ExchangeCounters::Add(counters_->bytes_received, header.frame_bytes);
    WEIR_RETURN_IF_ERROR(found->second->OnFrame(header, cursor.CopyPayload(header)));
  }
  return absl::OkStatus();
}

void ReceiveLink::AddGrant(const ChannelId& channel, const GrantLevels& levels) {
  MutexLock lock(mutex_);
  // Two threads may bring levels in the wrong order.
  GrantLevels& pending = pending_[channel];
  pending.granted = std::max(pending.granted, levels.granted);
  pending.consumed = std::max(pending.consumed, levels.consumed);
  pending.exclusive = levels.exclusive;
}

std::vector<Buffer> ReceiveLink::CollectMessage() {
  std::map<ChannelId, GrantLevels> taken;
  {
    MutexLock lock(mutex_);
    taken.swap(pending_);
  }
  if (taken.empty()) return {};
  std::vector<ChannelLevels> grants;
  grants.reserve(taken.size());
  for (const auto& [channel, levels] : taken) grants.push_back({channel, levels});
  ExchangeCounters::Add(counters_->grant_messages_sent, 1);
  return {EncodeGrants(identity_, grants)};
}

void ReceiveLink::Close() {
  for (const auto& channel : channels_) channel->Close();
  sender_.Detach();
}

}  // namespace weir::taskmanager

#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/exec/mutex.h"
#include "taskmanager/exchange/exchange_counters.h"
#include "taskmanager/exchange/grant_codec.h"
#include "taskmanager/exchange/link_sender.h"
#include "taskmanager/exchange/receive_channel.h"

namespace weir::taskmanager {

/// All channels from one other worker in one generation: hands frames to them, and sends grants
/// back, of all channels in one message, the latest levels of each.
///
/// Life cycle and threads: as SendLink; OnMessage on one thread at a time.
class ReceiveLink {
 public:
  ReceiveLink(const LinkIdentity& identity, std::vector<std::shared_ptr<ReceiveChannel>> channels,
              std::shared_ptr<ExchangeCounters> counters);
  ReceiveLink(const ReceiveLink&) = delete;
  ReceiveLink& operator=(const ReceiveLink&) = delete;

  LinkSender& sender() { return sender_; }
  const std::vector<std::shared_ptr<ReceiveChannel>>& channels() const { return channels_; }

  /// DATA_LOSS or FAILED_PRECONDITION saying what is wrong: the link is to be given up. Later
  /// messages are dropped then.
  absl::Status OnMessage(std::span<const absl::string_view> pieces);
  /// To be sent, with SendGrants or a message that goes anyway.
  void AddGrant(const ChannelId& channel, const GrantLevels& levels);
  void SendGrants() { sender_.Pump(); }

  void Close();

 private:
  absl::Status OnFrames(std::span<const absl::string_view> pieces);
  std::vector<Buffer> CollectMessage();

  const LinkIdentity identity_;
  const std::vector<std::shared_ptr<ReceiveChannel>> channels_;
  std::map<ChannelId, ReceiveChannel*> by_id_;
  const std::shared_ptr<ExchangeCounters> counters_;
  bool failed_ = false;  // touched by OnMessage only

  Mutex mutex_;
  std::map<ChannelId, GrantLevels> pending_ WEIR_GUARDED_BY(mutex_);
  LinkSender sender_;
};

}  // namespace weir::taskmanager

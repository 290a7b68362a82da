#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/exec/mutex.h"
#include "taskmanager/exchange/exchange_counters.h"
#include "taskmanager/exchange/link_sender.h"
#include "taskmanager/exchange/send_channel.h"

namespace weir::taskmanager {

/// All channels to one other worker in one generation: sends what they may send, one frame of each
/// in turn, and passes the grants that come back on to them.
///
/// Life cycle: made with its channels; connections are attached to sender(); Close before the last
/// reference goes. Threads: any, but Close and sender()'s Attach and Detach.
class SendLink : public std::enable_shared_from_this<SendLink> {
 public:
  SendLink(const LinkIdentity& identity, std::vector<std::shared_ptr<SendChannel>> channels,
           std::shared_ptr<ExchangeCounters> counters);
  SendLink(const SendLink&) = delete;
  SendLink& operator=(const SendLink&) = delete;

  /// Sets the channels' wake-ups: before a task uses one.
  void Start();
  LinkSender& sender() { return sender_; }

  /// DATA_LOSS when it is not to be read: the link is to be given up.
  absl::Status OnMessage(std::span<const absl::string_view> pieces);

  /// The channels take and give nothing any more, and the connection ends.
  void Close();

  /// A message is full when it has as many bytes; the frame that fills it may be larger.
  static constexpr size_t kFullMessageBytes = 128u << 10;

 private:
  void Schedule(SendChannel* channel);
  std::vector<Buffer> CollectMessage();
  SendChannel* NextReady();

  const LinkIdentity identity_;
  const std::vector<std::shared_ptr<SendChannel>> channels_;
  const std::map<ChannelId, SendChannel*> by_id_;
  const std::shared_ptr<ExchangeCounters> counters_;

  Mutex mutex_;
  std::deque<SendChannel*> ready_ WEIR_GUARDED_BY(mutex_);  // each at most once
  LinkSender sender_;
};

}  // namespace weir::taskmanager

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/exec/executor.h"
#include "taskmanager/exchange/exchange_endpoint.h"
#include "taskmanager/exchange/receive_link.h"
#include "taskmanager/exchange/send_link.h"

namespace weir::taskmanager {

/// The links and channels of one generation, and which of its peers are connected.
///
/// Life cycle: made, Start, Close, in this order; shared with the endpoint alone, but for moments.
/// What the transport calls later finds it closed or gone. Threads: the endpoint's executor, except
/// where it says so.
class ExchangeGeneration : public std::enable_shared_from_this<ExchangeGeneration> {
 public:
  struct Parts {
    Executor& executor;
    ExchangeTransport& transport;
    WorkerId self;
    ExchangeOptions options;
    std::shared_ptr<ExchangeCounters> counters;
  };

  ExchangeGeneration(Parts parts, Generation generation, ExchangeEvents events);

  void Start(const ExchangePlan& plan);
  void Close();
  /// A peer of this generation calls; refused when the plan has it not, or a second time.
  void OnIncoming(std::unique_ptr<IncomingExchange> incoming);

  std::shared_ptr<SendChannel> Output(const ChannelId& id) const;
  std::shared_ptr<ReceiveChannel> Input(const ChannelId& id) const;
  bool ready() const { return ready_; }
  const CreditPool& credits() const { return *pool_; }

 private:
  enum class LinkState { kConnecting, kOpen, kBroken };
  struct Outbound {
    ExchangeAddress address;
    std::shared_ptr<SendLink> link;
    LinkState state = LinkState::kConnecting;
  };
  struct Inbound {
    std::shared_ptr<ReceiveLink> link;
    LinkState state = LinkState::kConnecting;
  };

  void MakeOutputs(const std::vector<RemoteOutput>& outputs, size_t budget);
  void MakeInputs(const std::vector<RemoteInput>& inputs, size_t budget);
  void Connect(const WorkerId& peer);
  ExchangeConnectionCallbacks OutboundCallbacks(const WorkerId& peer);
  ExchangeConnectionCallbacks InboundCallbacks(const WorkerId& peer);
  void OnConnected(const WorkerId& peer);
  void OnOutboundBroken(const WorkerId& peer, const absl::Status& status);
  void OnInboundBroken(const WorkerId& peer, const absl::Status& status);
  void OnTimeout();
  void CheckReady();
  void Report(const WorkerId& peer, const absl::Status& status);
  // On any thread.
  void SendDueGrants();
  void Post(std::function<void(ExchangeGeneration&)> closure);

  const Parts parts_;
  const Generation generation_;
  const ExchangeEvents events_;
  std::map<ChannelId, std::shared_ptr<SendChannel>> outputs_;
  std::map<ChannelId, std::shared_ptr<ReceiveChannel>> inputs_;
  std::map<WorkerId, Outbound> outbound_;
  std::map<WorkerId, Inbound> inbound_;
  std::shared_ptr<CreditPool> pool_;
  std::vector<std::pair<ReceiveLink*, ChannelId>> by_number_;  // in the pool; fixed from Start on
  std::set<WorkerId> reported_;
  bool ready_ = false;
  bool closed_ = false;
  TimerId timeout_ = 0;
};

}  // namespace weir::taskmanager

#include "taskmanager/exchange/exchange_generation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "taskmanager/task/channel_capacity.h"

namespace weir::taskmanager {

ExchangeGeneration::ExchangeGeneration(Parts parts, Generation generation, ExchangeEvents events)
    : parts_(std::move(parts)), generation_(generation), events_(std::move(events)) {}

void ExchangeGeneration::Start(const ExchangePlan& plan) {
  const size_t budget =
      plan.budget_bytes > 0 ? plan.budget_bytes : parts_.options.credits.budget_bytes;
  MakeOutputs(plan.outputs, budget);
  MakeInputs(plan.inputs, budget);
  timeout_ = parts_.executor.PostAfter(parts_.options.connect_timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr && !self->closed_) self->OnTimeout();
  });
  for (const auto& [peer, outbound] : outbound_) Connect(peer);
  Post([](ExchangeGeneration& self) { self.CheckReady(); });
}

void ExchangeGeneration::MakeOutputs(const std::vector<RemoteOutput>& outputs, size_t budget) {
  SendChannelOptions options = parts_.options.send;
  options.capacity_bytes =
      std::min(options.capacity_bytes, ChannelCapacity(budget, outputs.size()));
  std::map<WorkerId, std::vector<std::shared_ptr<SendChannel>>> by_peer;
  for (const RemoteOutput& output : outputs) {
    auto channel = std::make_shared<SendChannel>(output.id, options);
    outputs_.emplace(output.id, channel);
    by_peer[output.peer].push_back(std::move(channel));
    outbound_[output.peer].address = output.address;
  }
  for (auto& [peer, channels] : by_peer) {
    const LinkIdentity identity = {generation_, IncarnationOf(parts_.self), IncarnationOf(peer)};
    Outbound& outbound = outbound_[peer];
    outbound.link = std::make_shared<SendLink>(identity, std::move(channels), parts_.counters);
    outbound.link->Start();
  }
}

void ExchangeGeneration::MakeInputs(const std::vector<RemoteInput>& inputs, size_t budget) {
  CreditPoolOptions credits = parts_.options.credits;
  credits.budget_bytes = budget;
  pool_ = std::make_shared<CreditPool>(credits, inputs.size(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr) self->SendDueGrants();
  });
  std::map<WorkerId, std::vector<std::shared_ptr<ReceiveChannel>>> by_peer;
  for (size_t number = 0; number < inputs.size(); ++number) {
    const RemoteInput& input = inputs[number];
    auto channel = std::make_shared<ReceiveChannel>(input.id, input.schema, pool_, number);
    inputs_.emplace(input.id, channel);
    by_peer[input.peer].push_back(std::move(channel));
  }
  by_number_.resize(inputs.size());
  for (auto& [peer, channels] : by_peer) {
    const LinkIdentity identity = {generation_, IncarnationOf(peer), IncarnationOf(parts_.self)};
    auto link = std::make_shared<ReceiveLink>(identity, std::move(channels), parts_.counters);
    for (const auto& channel : link->channels()) {
      by_number_[channel->number_in_pool()] = {link.get(), channel->id()};
    }
    inbound_[peer].link = std::move(link);
  }
}

void ExchangeGeneration::Close() {
  if (std::exchange(closed_, true)) return;
  parts_.executor.Cancel(timeout_);
  for (const auto& [peer, outbound] : outbound_) outbound.link->Close();
  for (const auto& [peer, inbound] : inbound_) inbound.link->Close();
}

void ExchangeGeneration::Connect(const WorkerId& peer) {
  const Outbound& outbound = outbound_.at(peer);
  const ExchangeHello hello = {generation_, parts_.self, peer};
  outbound.link->sender().Attach(
      parts_.transport.Connect(outbound.address, hello, OutboundCallbacks(peer)));
}

ExchangeConnectionCallbacks ExchangeGeneration::OutboundCallbacks(const WorkerId& peer) {
  ExchangeConnectionCallbacks callbacks;
  const std::shared_ptr<SendLink> link = outbound_.at(peer).link;
  const auto broken = [weak = weak_from_this(), peer](const absl::Status& status) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Post([peer, status](ExchangeGeneration& it) { it.OnOutboundBroken(peer, status); });
  };
  callbacks.on_open = [weak = weak_from_this(), peer, link] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Post([peer](ExchangeGeneration& it) { it.OnConnected(peer); });
    link->sender().Open();
  };
  callbacks.on_message = [link, broken](std::span<const absl::string_view> pieces) {
    if (absl::Status status = link->OnMessage(pieces); !status.ok()) broken(status);
  };
  callbacks.on_sent = [link] { link->sender().OnSent(); };
  callbacks.on_broken = broken;
  return callbacks;
}

ExchangeConnectionCallbacks ExchangeGeneration::InboundCallbacks(const WorkerId& peer) {
  ExchangeConnectionCallbacks callbacks;
  const std::shared_ptr<ReceiveLink> link = inbound_.at(peer).link;
  const auto broken = [weak = weak_from_this(), peer](const absl::Status& status) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Post([peer, status](ExchangeGeneration& it) { it.OnInboundBroken(peer, status); });
  };
  callbacks.on_message = [link, broken](std::span<const absl::string_view> pieces) {
    if (absl::Status status = link->OnMessage(pieces); !status.ok()) broken(status);
  };
  callbacks.on_sent = [link] { link->sender().OnSent(); };
  callbacks.on_broken = broken;
  return callbacks;
}

void ExchangeGeneration::OnIncoming(std::unique_ptr<IncomingExchange> incoming) {
  const WorkerId peer = incoming->hello().from;
  const auto found = inbound_.find(peer);
  if (found == inbound_.end() || found->second.state != LinkState::kConnecting) {
    return incoming->Refuse(absl::FailedPreconditionError(
        absl::StrCat("worker ", parts_.self.value(), " expects no connection of worker ",
                     peer.value(), " in generation ", generation_.value())));
  }
  Inbound& inbound = found->second;
  inbound.state = LinkState::kOpen;
  inbound.link->sender().Attach(incoming->Accept(InboundCallbacks(peer)));
  inbound.link->sender().Open();
  for (const auto& channel : inbound.link->channels()) pool_->Opened(channel->number_in_pool());
  CheckReady();
}

void ExchangeGeneration::OnConnected(const WorkerId& peer) {
  Outbound& outbound = outbound_.at(peer);
  if (outbound.state == LinkState::kConnecting) outbound.state = LinkState::kOpen;
  CheckReady();
}

void ExchangeGeneration::OnOutboundBroken(const WorkerId& peer, const absl::Status& status) {
  Outbound& outbound = outbound_.at(peer);
  if (outbound.state == LinkState::kBroken) return;
  if (outbound.state == LinkState::kConnecting && absl::IsUnavailable(status)) {
    // The peer does not listen yet.
    outbound.link->sender().Detach();
    parts_.executor.PostAfter(parts_.options.retry_interval, [weak = weak_from_this(), peer] {
      const auto self = weak.lock();
      if (self == nullptr || self->closed_) return;
      if (self->outbound_.at(peer).state == LinkState::kConnecting) self->Connect(peer);
    });
    return;
  }
  outbound.state = LinkState::kBroken;
  outbound.link->Close();
  Report(peer, status);
}

void ExchangeGeneration::OnInboundBroken(const WorkerId& peer, const absl::Status& status) {
  Inbound& inbound = inbound_.at(peer);
  if (inbound.state == LinkState::kBroken) return;
  inbound.state = LinkState::kBroken;
  inbound.link->sender().Detach();
  Report(peer, status);
}

void ExchangeGeneration::OnTimeout() {
  const absl::Status status = absl::UnavailableError(
      absl::StrCat("no connection within ", absl::FormatDuration(parts_.options.connect_timeout)));
  std::vector<WorkerId> late;
  for (auto& [peer, outbound] : outbound_) {
    if (outbound.state != LinkState::kConnecting) continue;
    outbound.state = LinkState::kBroken;
    outbound.link->Close();
    late.push_back(peer);
  }
  for (auto& [peer, inbound] : inbound_) {
    if (inbound.state != LinkState::kConnecting) continue;
    inbound.state = LinkState::kBroken;
    late.push_back(peer);
  }
  for (const WorkerId& peer : late) {
    if (!closed_) Report(peer, status);
  }
}

void ExchangeGeneration::CheckReady() {
  if (ready_) return;
  for (const auto& [peer, outbound] : outbound_) {
    if (outbound.state != LinkState::kOpen) return;
  }
  for (const auto& [peer, inbound] : inbound_) {
    if (inbound.state != LinkState::kOpen) return;
  }
  ready_ = true;
  if (events_.on_ready) events_.on_ready();
}

void ExchangeGeneration::Report(const WorkerId& peer, const absl::Status& status) {
  if (!reported_.insert(peer).second) return;
  const absl::Status why = Annotate(
      status, absl::StrCat("worker ", parts_.self.value(), " has lost its connection with worker ",
                           peer.value(), " in generation ", generation_.value()));
  LogInfo("the exchange with a worker is broken", {{"peer", peer}, {"reason", status}});
  if (events_.on_broken) events_.on_broken(peer, why);
}

void ExchangeGeneration::SendDueGrants() {
  std::set<ReceiveLink*> links;
  for (const CreditPool::Due& due : pool_->TakeDue()) {
    const auto& [link, channel] = by_number_[due.channel];
    link->AddGrant(channel, due.levels);
    links.insert(link);
  }
  for (ReceiveLink* link : links) link->SendGrants();
}

void ExchangeGeneration::Post(std::function<void(ExchangeGeneration&)> closure) {
  parts_.executor.Post([weak = weak_from_this(), closure = std::move(closure)] {
    const auto self = weak.lock();
    if (self != nullptr && !self->closed_) closure(*self);
  });
}

std::shared_ptr<SendChannel> ExchangeGeneration::Output(const ChannelId& id) const {
  const auto found = outputs_.find(id);
  return found == outputs_.end() ? nullptr : found->second;
}

std::shared_ptr<ReceiveChannel> ExchangeGeneration::Input(const ChannelId& id) const {
  const auto found = inputs_.find(id);
  return found == inputs_.end() ? nullptr : found->second;
}

}  // namespace weir::taskmanager

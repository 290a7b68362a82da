#include "tests/sim/sim_exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"

namespace weir::sim {

using taskmanager::ExchangeAddress;
using taskmanager::ExchangeConnection;
using taskmanager::ExchangeConnectionCallbacks;
using taskmanager::ExchangeHello;
using taskmanager::ExchangeTransport;
using taskmanager::IncomingExchange;

struct SimExchange::End {
  SimProcess* process = nullptr;
  std::shared_ptr<const ExchangeConnectionCallbacks> callbacks;  // null: closed, or not accepted
  bool broken = false;
  absl::Duration last;  // when its last call is due
};

struct SimExchange::Link {
  std::string to;  // address
  ExchangeHello hello;
  End client;
  End server;
  End& EndOf(bool of_client) { return of_client ? client : server; }
};

class SimExchange::Connection final : public ExchangeConnection {
 public:
  Connection(SimExchange& exchange, LinkPtr link, bool client)
      : exchange_(exchange), link_(std::move(link)), client_(client) {}
  ~Connection() override { Close(); }
  void Send(std::vector<Buffer> message) override { exchange_.Send(link_, client_, message); }
  void Close() override {
    if (std::exchange(link_->EndOf(client_).callbacks, nullptr) == nullptr) return;
    exchange_.Break(link_, !client_, absl::UnavailableError("the other side has closed the stream"),
                    absl::Microseconds(Between(exchange_.random_, 100, 2000)));
  }

 private:
  SimExchange& exchange_;
  const LinkPtr link_;
  const bool client_;
};

class SimExchange::Incoming final : public IncomingExchange {
 public:
  Incoming(SimExchange& exchange, LinkPtr link) : exchange_(exchange), link_(std::move(link)) {}
  ~Incoming() override { Refuse(absl::UnavailableError("dropped")); }
  const ExchangeHello& hello() const override { return link_->hello; }
  std::unique_ptr<ExchangeConnection> Accept(ExchangeConnectionCallbacks callbacks) override {
    answered_ = true;
    link_->server.callbacks =
        std::make_shared<const ExchangeConnectionCallbacks>(std::move(callbacks));
    exchange_.Schedule(link_, true, absl::Microseconds(Between(exchange_.random_, 50, 2000)),
                       [](const ExchangeConnectionCallbacks& to) { to.on_open(); });
    return std::make_unique<Connection>(exchange_, link_, false);
  }
  void Refuse(const absl::Status& status) override {
    if (std::exchange(answered_, true)) return;
    exchange_.Break(link_, true, status, absl::Microseconds(100));
  }

 private:
  SimExchange& exchange_;
  const LinkPtr link_;
  bool answered_ = false;
};

class SimExchange::Transport final : public ExchangeTransport {
 public:
  Transport(SimExchange& exchange, SimProcess& own)
      : process(own), exchange_(exchange), address_(AddressOf(own)) {
    exchange_.listening_[address_] = this;
  }
  ~Transport() override { exchange_.listening_.erase(address_); }

  void SetAcceptor(Acceptor to) override { acceptor = std::move(to); }
  std::unique_ptr<ExchangeConnection> Connect(const ExchangeAddress& peer,
                                              const ExchangeHello& hello,
                                              ExchangeConnectionCallbacks callbacks) override {
    auto link = std::make_shared<Link>();
    link->to = peer.address;
    link->hello = hello;
    link->client.process = &process;
    link->client.callbacks =
        std::make_shared<const ExchangeConnectionCallbacks>(std::move(callbacks));
    exchange_.links_.push_back(link);
    process.AtDeath([&exchange = exchange_, link] {
      exchange.Break(link, false, absl::UnavailableError("Connection reset by peer"),
                     absl::Milliseconds(Between(exchange.random_, 1, 30)));
    });
    exchange_.world_.Schedule(absl::Microseconds(Between(exchange_.random_, 100, 4000)),
                              [&exchange = exchange_, link] { exchange.Arrive(link); });
    return std::make_unique<Connection>(exchange_, std::move(link), true);
  }

  SimProcess& process;
  Acceptor acceptor;

 private:
  SimExchange& exchange_;
  const std::string address_;
};

SimExchange::~SimExchange() {
  for (const LinkPtr& link : links_) link->client.callbacks = link->server.callbacks = nullptr;
}

std::unique_ptr<ExchangeTransport> SimExchange::MakeTransport(SimProcess& process) {
  return std::make_unique<Transport>(*this, process);
}

void SimExchange::BreakLinks(const std::string& host) {
  for (const LinkPtr& link : links_) {
    if (link->server.process == nullptr) continue;
    if (link->client.process->host != host && link->server.process->host != host) continue;
    for (const bool client : {true, false}) {
      Break(link, client, absl::UnavailableError("Connection reset by peer"),
            absl::Milliseconds(1));
    }
  }
}

void SimExchange::Arrive(const LinkPtr& link) {
  const auto found = listening_.find(link->to);
  if (found == listening_.end() || !found->second->process.alive()) {
    return Break(link, true, absl::UnavailableError("Connection refused"), absl::Milliseconds(1));
  }
  Transport& server = *found->second;
  if (server.process.paused()) {
    world_.Schedule(server.process.paused_until() - world_.now(), [this, link] { Arrive(link); });
    return;
  }
  link->server.process = &server.process;
  server.process.AtDeath([this, link] {
    Break(link, true, absl::UnavailableError("Connection reset by peer"),
          absl::Milliseconds(Between(random_, 1, 30)));
  });
  if (!server.acceptor) {
    return Break(link, true, absl::UnavailableError("nobody listens"), absl::Milliseconds(1));
  }
  server.acceptor(std::make_unique<Incoming>(*this, link));
}

void SimExchange::Send(const LinkPtr& link, bool from_client, const std::vector<Buffer>& message) {
  std::string text;
  for (const Buffer& buffer : message) {
    text.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  }
  world_.Trace("frames", link->EndOf(from_client).process->name, std::to_string(text.size()));
  Schedule(link, !from_client, absl::Microseconds(Between(random_, 50, 3000)),
           [this, text = std::move(text)](const ExchangeConnectionCallbacks& to) {
             std::vector<absl::string_view> pieces;
             for (size_t at = 0; at < text.size();) {
               const size_t length = 1 + random_.Below(text.size() - at);
               pieces.push_back(absl::string_view(text).substr(at, length));
               at += length;
             }
             to.on_message(pieces);
           });
  world_.Schedule(absl::Microseconds(Between(random_, 1, 300)), [this, link, from_client] {
    Run(link, from_client, [](const ExchangeConnectionCallbacks& to) { to.on_sent(); });
  });
}

void SimExchange::Break(const LinkPtr& link, bool client, const absl::Status& why,
                        absl::Duration delay) {
  Schedule(link, client, delay, [link, client, why](const ExchangeConnectionCallbacks& to) {
    link->EndOf(client).broken = true;
    to.on_broken(why);
  });
}

void SimExchange::Schedule(const LinkPtr& link, bool client, absl::Duration delay, Call call) {
  End& end = link->EndOf(client);
  end.last = std::max(world_.now() + delay, end.last + absl::Microseconds(1));
  world_.Schedule(end.last - world_.now(),
                  [this, link, client, call = std::move(call)] { Run(link, client, call); });
}

void SimExchange::Run(const LinkPtr& link, bool client, const Call& call) {
  End& end = link->EndOf(client);
  // Kept beside, since the call may close the connection.
  const auto callbacks = end.callbacks;
  if (callbacks == nullptr || end.broken || !end.process->alive()) return;
  if (end.process->paused()) {
    Schedule(link, client, end.process->paused_until() - world_.now(), call);
    return;
  }
  call(*callbacks);
}

}  // namespace weir::sim

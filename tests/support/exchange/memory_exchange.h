#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// The exchange of several workers in one thread: every connect, message and break waits until Step
/// picks it, in an order drawn from the seed; messages of one direction keep theirs. What arrives
/// is a copy, in pieces of any length.
class MemoryExchange {
 public:
  explicit MemoryExchange(uint64_t seed) : random_(seed) {}

  /// The transport of a worker, which listens at `address`.
  std::unique_ptr<ExchangeTransport> MakeTransport(std::string address) {
    return std::make_unique<Transport>(*this, std::move(address));
  }

  /// One thing happens; false when nothing is on its way.
  bool Step() {
    std::vector<std::function<void()>> possible;
    for (const auto& pipe : std::vector(pipes_)) {
      for (End* end : {&pipe->client, &pipe->server}) AddPossible(pipe, *end, &possible);
      if (pipe->calling) possible.push_back([this, pipe] { Call(pipe); });
    }
    std::erase_if(pipes_, [](const auto& pipe) { return pipe->client.gone && pipe->server.gone; });
    if (possible.empty()) return false;
    possible[random_.Below(possible.size())]();
    return true;
  }
  void RunAll() {
    while (Step()) {
    }
  }

  /// All connections between these two are lost, and what is on the way on them.
  void Break(const std::string& from, const std::string& to) {
    for (const auto& pipe : pipes_) {
      if ((pipe->from != from || pipe->to != to) && (pipe->from != to || pipe->to != from)) {
        continue;
      }
      for (End* end : {&pipe->client, &pipe->server}) {
        BreakEnd(*end, absl::UnavailableError("Connection reset by peer"));
      }
    }
  }
  /// Whatever is delivered from now on passes through this, and may be changed or doubled.
  void SetTamper(std::function<std::vector<std::string>(std::string)> tamper) {
    tamper_ = std::move(tamper);
  }

 private:
  struct End {
    std::shared_ptr<const ExchangeConnectionCallbacks> callbacks;
    std::deque<std::string> inbox;
    bool opening = false;  // on_open is due
    bool open = false;
    bool sent = false;  // on_sent is due
    bool broken = false;
    bool reported = false;
    bool gone = false;
    absl::Status why;
  };
  struct Pipe {
    std::string from;  // addresses
    std::string to;
    ExchangeHello hello;
    bool calling = true;
    End client;
    End server;
  };
  using PipePtr = std::shared_ptr<Pipe>;

  class Connection final : public ExchangeConnection {
   public:
    Connection(PipePtr pipe, bool is_client) : pipe_(std::move(pipe)), is_client_(is_client) {}
    ~Connection() override { Close(); }
    void Send(std::vector<Buffer> message) override {
      End& mine = is_client_ ? pipe_->client : pipe_->server;
      End& other = is_client_ ? pipe_->server : pipe_->client;
      if (mine.broken || mine.gone) return;
      WEIR_CHECK(!mine.sent) << "a second message before on_sent";
      std::string text;
      for (const Buffer& buffer : message) {
        text.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
      }
      if (!other.gone) other.inbox.push_back(std::move(text));
      mine.sent = true;
    }
    void Close() override {
      End& mine = is_client_ ? pipe_->client : pipe_->server;
      End& other = is_client_ ? pipe_->server : pipe_->client;
      if (std::exchange(mine.gone, true)) return;
      mine.callbacks = nullptr;
      pipe_->calling = false;
      BreakEnd(other, absl::UnavailableError("the other side has closed the stream"));
      if (other.callbacks == nullptr) other.gone = true;
    }

   private:
    const PipePtr pipe_;
    const bool is_client_;
  };

  class Incoming final : public IncomingExchange {
   public:
    explicit Incoming(PipePtr pipe) : pipe_(std::move(pipe)) {}
    ~Incoming() override { Refuse(absl::UnavailableError("dropped")); }
    const ExchangeHello& hello() const override { return pipe_->hello; }
    std::unique_ptr<ExchangeConnection> Accept(ExchangeConnectionCallbacks callbacks) override {
      answered_ = true;
      pipe_->server.gone = false;
      pipe_->server.callbacks =
          std::make_shared<const ExchangeConnectionCallbacks>(std::move(callbacks));
      pipe_->server.open = true;
      pipe_->client.opening = true;
      return std::make_unique<Connection>(pipe_, false);
    }
    void Refuse(const absl::Status& status) override {
      if (std::exchange(answered_, true)) return;
      pipe_->server.gone = true;
      BreakEnd(pipe_->client, status);
    }

   private:
    const PipePtr pipe_;
    bool answered_ = false;
  };

  class Transport final : public ExchangeTransport {
   public:
    Transport(MemoryExchange& network, std::string address)
        : network_(network), address_(std::move(address)) {}
    ~Transport() override { network_.acceptors_.erase(address_); }
    void SetAcceptor(Acceptor acceptor) override {
      network_.acceptors_[address_] = std::move(acceptor);
    }
    std::unique_ptr<ExchangeConnection> Connect(const ExchangeAddress& peer,
                                                const ExchangeHello& hello,
                                                ExchangeConnectionCallbacks callbacks) override {
      auto pipe = std::make_shared<Pipe>();
      pipe->from = address_;
      pipe->to = peer.address;
      pipe->hello = hello;
      pipe->client.callbacks =
          std::make_shared<const ExchangeConnectionCallbacks>(std::move(callbacks));
      network_.pipes_.push_back(pipe);
      return std::make_unique<Connection>(pipe, true);
    }

   private:
    MemoryExchange& network_;
    const std::string address_;
  };

  static void BreakEnd(End& end, const absl::Status& why) {
    if (end.gone || std::exchange(end.broken, true)) return;
    end.why = why;
    end.inbox.clear();
    end.opening = false;
    end.sent = false;
  }

  void Call(const PipePtr& pipe) {
    pipe->calling = false;
    const auto found = acceptors_.find(pipe->to);
    if (found == acceptors_.end() || !found->second) {
      pipe->server.gone = true;
      return BreakEnd(pipe->client, absl::UnavailableError("Connection refused"));
    }
    found->second(std::make_unique<Incoming>(pipe));
  }

  void AddPossible(const PipePtr& pipe, End& end, std::vector<std::function<void()>>* out) {
    const auto callbacks = end.callbacks;
    if (end.gone || callbacks == nullptr) return;
    if (end.broken) {
      if (end.reported) return;
      return out->push_back([pipe, &end, callbacks] {
        end.reported = true;
        callbacks->on_broken(end.why);
      });
    }
    if (end.opening) {
      return out->push_back([pipe, &end, callbacks] {
        end.opening = false;
        end.open = true;
        callbacks->on_open();
      });
    }
    if (end.open && !end.inbox.empty()) {
      out->push_back([this, pipe, &end, callbacks] { Deliver(end, *callbacks); });
    }
    if (end.sent) {
      out->push_back([pipe, &end, callbacks] {
        end.sent = false;
        callbacks->on_sent();
      });
    }
  }

  void Deliver(End& end, const ExchangeConnectionCallbacks& callbacks) {
    std::string text = std::move(end.inbox.front());
    end.inbox.pop_front();
    std::vector<std::string> texts;
    if (tamper_) {
      texts = tamper_(std::move(text));
    } else {
      texts.push_back(std::move(text));
    }
    for (const std::string& each : texts) {
      std::vector<absl::string_view> pieces;
      for (size_t at = 0; at < each.size();) {
        const size_t length = 1 + random_.Below(each.size() - at);
        pieces.push_back(absl::string_view(each).substr(at, length));
        at += length;
      }
      callbacks.on_message(pieces);
    }
  }

  SeededRandom random_;
  std::map<std::string, ExchangeTransport::Acceptor> acceptors_;
  std::vector<PipePtr> pipes_;
  std::function<std::vector<std::string>(std::string)> tamper_;
};

}  // namespace weir::taskmanager

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/net/message_stream.h"

namespace weir {

/// The streams that were made by a factory handed to the object under test; the test plays the
/// other side. Everything on one executor; callbacks are posted, as the real streams do.
class TestingMessageStreams {
 public:
  explicit TestingMessageStreams(Executor& executor) : executor_(executor) {}

  /// What the other side of one stream sees and does.
  struct Peer {
    std::string address;
    std::vector<proto::Envelope> received;
    bool closed = false;  // by the object under test: Close() or destruction
    std::shared_ptr<const MessageStreamCallbacks> callbacks;  // null once closed
  };

  std::unique_ptr<MessageStream> Make(const std::string& address,
                                      MessageStreamCallbacks callbacks) {
    auto peer = std::make_shared<Peer>();
    peer->address = address;
    peer->callbacks = std::make_shared<const MessageStreamCallbacks>(std::move(callbacks));
    peers_.push_back(peer);
    return std::make_unique<Stream>(peer);
  }

  size_t count() const { return peers_.size(); }
  Peer& peer(size_t index) { return *peers_.at(index); }
  Peer& last() { return *peers_.back(); }

  void AcceptLast() {
    PostToLast([](const MessageStreamCallbacks& callbacks) { callbacks.on_connected(); });
  }
  void SendFromLast(proto::Envelope message) {
    PostToLast(
        [message](const MessageStreamCallbacks& callbacks) { callbacks.on_message(message); });
  }
  void BreakLast(absl::Status status) {
    PostToLast([status](const MessageStreamCallbacks& callbacks) { callbacks.on_broken(status); });
  }

 private:
  class Stream final : public MessageStream {
   public:
    explicit Stream(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
    ~Stream() override { Close(); }
    void Send(proto::Envelope message) override {
      if (!peer_->closed) peer_->received.push_back(std::move(message));
    }
    void Close() override {
      peer_->closed = true;
      peer_->callbacks = nullptr;
    }

   private:
    const std::shared_ptr<Peer> peer_;
  };

  template <class F>
  void PostToLast(F call) {
    executor_.Post([peer = peers_.back(), call = std::move(call)] {
      const auto callbacks = peer->callbacks;  // outlives a stream destroyed by the callback
      if (callbacks != nullptr) call(*callbacks);
    });
  }

  Executor& executor_;
  std::vector<std::shared_ptr<Peer>> peers_;
};

}  // namespace weir

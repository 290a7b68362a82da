#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/base/ids.h"
#include "common/types/buffer.h"

namespace weir::taskmanager {

/// Who opens a link to whom, and for which generation.
struct ExchangeHello {
  Generation generation;
  WorkerId from;
  WorkerId to;
};

/// How a worker is reached by the others of its job.
struct ExchangeAddress {
  std::string address;           // as the transport takes it
  std::string secret;            // which that worker wants to hear
  std::string certificate = {};  // which it shows, PEM; empty: no TLS
  auto operator<=>(const ExchangeAddress&) const = default;
};

/// What a connection calls, on threads of its own, several at the same time; after Close none
/// begins. None may destroy the connection.
struct ExchangeConnectionCallbacks {
  /// The other side has accepted. For the side that connects, at most once and first of all.
  std::function<void()> on_open;
  /// A whole message, in pieces that are valid during the call; the next one is read after it.
  std::function<void(std::span<const absl::string_view> pieces)> on_message;
  /// The next message may be sent.
  std::function<void()> on_sent;
  /// The connection is of no use any more: once, and nothing else follows. Not after Close.
  std::function<void(absl::Status)> on_broken;
};

/// A stream of messages both ways between two workers, each at most kMaxMessageBytes long, in order
/// and never twice.
///
/// Threads: Send from any, one message at a time: the next after on_sent. Close and the destructor
/// from any but the connection's own; the destructor waits for callbacks that are running.
class ExchangeConnection {
 public:
  virtual ~ExchangeConnection() = default;
  /// Shares the buffers. Dropped when the connection is broken or closed.
  virtual void Send(std::vector<Buffer> message) = 0;
  /// The other side sees the end. Callbacks are released.
  virtual void Close() = 0;
};

/// A peer that asks for a connection. Destroyed without an answer it is refused as UNAVAILABLE.
class IncomingExchange {
 public:
  virtual ~IncomingExchange() = default;
  virtual const ExchangeHello& hello() const = 0;
  virtual std::unique_ptr<ExchangeConnection> Accept(ExchangeConnectionCallbacks callbacks) = 0;
  virtual void Refuse(const absl::Status& status) = 0;
};

/// How workers reach each other: sockets and gRPC, or a test's memory.
///
/// Threads: any. Life cycle: destroyed after all that it made.
class ExchangeTransport {
 public:
  /// Gets every authenticated peer, on threads of the transport, and may keep it before it answers.
  using Acceptor = std::function<void(std::unique_ptr<IncomingExchange>)>;

  virtual ~ExchangeTransport() = default;
  /// Null: nobody; returns when no call of the former one is running.
  virtual void SetAcceptor(Acceptor acceptor) = 0;
  /// Never fails at once; on_open or on_broken tells the outcome.
  virtual std::unique_ptr<ExchangeConnection> Connect(const ExchangeAddress& peer,
                                                      const ExchangeHello& hello,
                                                      ExchangeConnectionCallbacks callbacks) = 0;
};

}  // namespace weir::taskmanager

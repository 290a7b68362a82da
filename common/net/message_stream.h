#pragma once

#include <cstddef>
#include <functional>

#include "absl/status/status.h"

#include "proto/control.pb.h"

namespace weir {

/// What the owner of a stream is told, on its executor, in order, and never after it has destroyed
/// the stream. A callback may destroy the stream.
struct MessageStreamCallbacks {
  /// The other side has accepted the stream. Client side only, at most once, before all messages.
  std::function<void()> on_connected;
  std::function<void(proto::Envelope)> on_message;
  /// The stream is of no use any more; once, and nothing comes after it. UNAVAILABLE: connection
  /// refused or lost, or closed by the other side; UNAUTHENTICATED: refused; RESOURCE_EXHAUSTED:
  /// the backlog or one message was too large. Not called after Close().
  std::function<void(absl::Status)> on_broken;
};

struct MessageStreamOptions {
  /// Bytes that may wait to be sent. Whoever reads that slowly is given up.
  size_t max_backlog_bytes = 64 * 1024 * 1024;
};

/// One message, hence what a peer can make us hold at once. Larger state goes to storage.
constexpr size_t kMaxMessageBytes = 32 * 1024 * 1024;

/// One bidirectional stream of control messages between two processes, seen from either side. It
/// loses what is on the way when it breaks; the control protocol states levels and sends again.
///
/// Life cycle: made by a connector or handed over by a server; the owner destroys it on its
/// executor (or after that executor has stopped); it is of no use after on_broken.
/// Threads: all calls on the owner's executor. Nothing blocks.
/// Bounds: the next message is read once the owner has handled the last; what waits to be sent is
/// bounded by MessageStreamOptions, and the stream breaks by name beyond it.
class MessageStream {
 public:
  virtual ~MessageStream() = default;

  /// Queues the message. Dropped when the stream is broken or closed.
  virtual void Send(proto::Envelope message) = 0;

  /// Ends the stream and drops what waits to be sent. No callback follows.
  virtual void Close() = 0;
};

}  // namespace weir

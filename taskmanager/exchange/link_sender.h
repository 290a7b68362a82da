#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/exec/mutex.h"
#include "common/types/buffer.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// The connection of a link, and whose turn it is to send on it: whoever calls Pump while it is
/// idle collects the next message and sends it; the transport's thread goes on from there.
///
/// Threads: Pump and OnSent on any; nothing waits for the network. Attach, Detach and Close on the
/// owner's executor, never on the connection's threads.
class LinkSender {
 public:
  /// `collect` makes the next message, or an empty one when there is nothing to send. It runs on
  /// one thread at a time and takes no lock that a caller of Pump holds.
  explicit LinkSender(std::function<std::vector<Buffer>()> collect)
      : collect_(std::move(collect)) {}

  void Attach(std::unique_ptr<ExchangeConnection> connection);
  /// The other side has accepted. May come before Attach.
  void Open();
  /// Ends the connection. Another one may be attached, if it was not open.
  void Detach();

  /// There may be something to send.
  void Pump();
  /// The connection has taken the last message.
  void OnSent();

 private:
  void Send(std::vector<Buffer> message);

  const std::function<std::vector<Buffer>()> collect_;

  Mutex mutex_;
  bool attached_ WEIR_GUARDED_BY(mutex_) = false;
  bool open_ WEIR_GUARDED_BY(mutex_) = false;
  bool busy_ WEIR_GUARDED_BY(mutex_) = false;    // somebody collects, or a message is on its way
  bool wanted_ WEIR_GUARDED_BY(mutex_) = false;  // Pump was called meanwhile

  Mutex connection_mutex_;  // held during Send, so that the connection stays
  std::unique_ptr<ExchangeConnection> connection_ WEIR_GUARDED_BY(connection_mutex_);
};

}  // namespace weir::taskmanager

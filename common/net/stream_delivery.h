#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"
#include "common/net/message_stream.h"

namespace weir {

/// The way from a transport's threads to the owner of a MessageStream: posts every callback to the
/// owner's executor until the owner has detached. The lock of its own makes the hand-over visible
/// to TSan, which does not see into the transport's library.
///
/// Threads: Post* from any thread; SetCallbacks and Detach on the executor (or once it stopped).
/// Lifetime: held by shared_ptr; touches the executor only before Detach returns.
class StreamDelivery : public std::enable_shared_from_this<StreamDelivery> {
 public:
  StreamDelivery(Executor& executor, MessageStreamCallbacks callbacks);

  void SetCallbacks(MessageStreamCallbacks callbacks);
  void PostConnected();
  /// `consumed` runs on the executor after the owner's callback.
  void PostMessage(proto::Envelope message, std::function<void()> consumed);
  void PostBroken(absl::Status status);
  /// Runs `closure` unless the owner has detached by then.
  void Post(std::function<void()> closure);

  /// No callback begins after this; callbacks are released.
  void Detach();

 private:
  std::shared_ptr<const MessageStreamCallbacks> callbacks() const;

  Executor& executor_;
  mutable Mutex mutex_;
  bool detached_ WEIR_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const MessageStreamCallbacks> callbacks_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

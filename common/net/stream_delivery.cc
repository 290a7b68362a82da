#include "common/net/stream_delivery.h"

#include <utility>

namespace weir {

StreamDelivery::StreamDelivery(Executor& executor, MessageStreamCallbacks callbacks)
    : executor_(executor),
      callbacks_(std::make_shared<const MessageStreamCallbacks>(std::move(callbacks))) {}

void StreamDelivery::SetCallbacks(MessageStreamCallbacks callbacks) {
  auto replacement = std::make_shared<const MessageStreamCallbacks>(std::move(callbacks));
  MutexLock lock(mutex_);
  if (!detached_) callbacks_.swap(replacement);
}

void StreamDelivery::PostConnected() {
  Post([self = shared_from_this()] {
    const auto callbacks = self->callbacks();
    if (callbacks && callbacks->on_connected) callbacks->on_connected();
  });
}

void StreamDelivery::PostMessage(proto::Envelope message, std::function<void()> consumed) {
  Post([self = shared_from_this(), message = std::move(message),
        consumed = std::move(consumed)]() mutable {
    const auto callbacks = self->callbacks();
    if (callbacks && callbacks->on_message) callbacks->on_message(std::move(message));
    consumed();
  });
}

void StreamDelivery::PostBroken(absl::Status status) {
  Post([self = shared_from_this(), status = std::move(status)] {
    const auto callbacks = self->callbacks();
    if (callbacks && callbacks->on_broken) callbacks->on_broken(status);
  });
}

void StreamDelivery::Post(std::function<void()> closure) {
  MutexLock lock(mutex_);
  // Within the lock: once Detach() has returned, the executor may be destroyed.
  if (!detached_) {
    executor_.Post([self = shared_from_this(), closure = std::move(closure)] {
      if (self->callbacks()) closure();
    });
  }
}

void StreamDelivery::Detach() {
  std::shared_ptr<const MessageStreamCallbacks> released;  // destroyed outside the lock
  MutexLock lock(mutex_);
  detached_ = true;
  callbacks_.swap(released);
}

std::shared_ptr<const MessageStreamCallbacks> StreamDelivery::callbacks() const {
  MutexLock lock(mutex_);
  return callbacks_;
}

}  // namespace weir

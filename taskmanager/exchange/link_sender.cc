#include "taskmanager/exchange/link_sender.h"

#include <utility>

namespace weir::taskmanager {

void LinkSender::Attach(std::unique_ptr<ExchangeConnection> connection) {
  {
    MutexLock lock(connection_mutex_);
    connection_ = std::move(connection);
  }
  {
    MutexLock lock(mutex_);
    attached_ = true;
  }
  Pump();
}

void LinkSender::Open() {
  {
    MutexLock lock(mutex_);
    open_ = true;
  }
  Pump();
}

void LinkSender::Detach() {
  std::unique_ptr<ExchangeConnection> released;  // destroyed without locks: it waits for callbacks
  {
    MutexLock lock(mutex_);
    attached_ = false;
  }
  MutexLock lock(connection_mutex_);
  released = std::move(connection_);
}

void LinkSender::Pump() {
  {
    MutexLock lock(mutex_);
    wanted_ = true;
    if (!attached_ || !open_ || busy_) return;
    busy_ = true;
    wanted_ = false;
  }
  while (true) {
    std::vector<Buffer> message = collect_();
    if (!message.empty()) return Send(std::move(message));
    MutexLock lock(mutex_);
    if (!std::exchange(wanted_, false)) {
      busy_ = false;
      return;
    }
  }
}

void LinkSender::OnSent() {
  {
    MutexLock lock(mutex_);
    busy_ = false;
  }
  Pump();
}

void LinkSender::Send(std::vector<Buffer> message) {
  MutexLock lock(connection_mutex_);
  if (connection_ != nullptr) connection_->Send(std::move(message));
}

}  // namespace weir::taskmanager

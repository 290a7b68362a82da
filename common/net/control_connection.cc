#include "common/net/control_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/log.h"

namespace weir {

ControlConnection::ControlConnection(Executor& executor, ControlConnectionOptions options,
                                     StreamFactory factory, ControlConnectionCallbacks callbacks)
    : executor_(executor),
      options_(std::move(options)),
      factory_(std::move(factory)),
      callbacks_(std::move(callbacks)),
      backoff_(options_.initial_backoff) {
  WEIR_CHECK(!options_.addresses.empty()) << "a control connection without addresses";
}

void ControlConnection::Start() {
  if (std::exchange(running_, true)) return;
  ScheduleAttempt(absl::ZeroDuration());
}

void ControlConnection::Stop() {
  running_ = false;
  up_ = false;
  if (timer_ != 0) executor_.Cancel(std::exchange(timer_, 0));
  lifetime_.Reset();
  stream_.reset();
}

void ControlConnection::Send(proto::Envelope message) {
  if (up_) stream_->Send(std::move(message));
}

void ControlConnection::MoveOn(absl::string_view leader_address, absl::string_view reason) {
  if (!running_ || stream_ == nullptr) return;
  const bool named = !leader_address.empty() && leader_address != address_;
  // Two processes that name each other do not make us run in circles.
  const bool at_once = named && !followed_name_;
  if (named) named_leader_ = std::string(leader_address);
  Drop(absl::UnavailableError(absl::StrCat(address_, ": ", reason)));
  if (running_) ScheduleAttempt(at_once ? absl::ZeroDuration() : NextBackoff());
}

void ControlConnection::Confirm() {
  backoff_ = options_.initial_backoff;
  followed_name_ = false;
  failed_attempts_ = 0;
}

void ControlConnection::ScheduleAttempt(absl::Duration delay) {
  if (timer_ != 0) executor_.Cancel(timer_);
  timer_ = executor_.PostAfter(delay, lifetime_.Guard([this] {
    timer_ = 0;
    Connect();
  }));
}

void ControlConnection::Connect() {
  followed_name_ = !named_leader_.empty();
  address_ = followed_name_ ? std::exchange(named_leader_, std::string()) : NextAddress();
  MessageStreamCallbacks callbacks;
  callbacks.on_connected = lifetime_.Guard([this] {
    if (timer_ != 0) executor_.Cancel(std::exchange(timer_, 0));
    up_ = true;
    callbacks_.on_up();
  });
  callbacks.on_message = lifetime_.Guard(
      [this](proto::Envelope message) { callbacks_.on_message(std::move(message)); });
  callbacks.on_broken =
      lifetime_.Guard([this](const absl::Status& status) { HandleBroken(status); });
  timer_ = executor_.PostAfter(options_.connect_timeout, lifetime_.Guard([this] {
    timer_ = 0;
    HandleBroken(absl::UnavailableError(
        absl::StrCat("no answer within ", absl::FormatDuration(options_.connect_timeout))));
  }));
  stream_ = factory_(address_, std::move(callbacks));
}

void ControlConnection::HandleBroken(const absl::Status& status) {
  LogDebug("control stream is gone", {{"address", address_}, {"status", status}});
  if (!up_) WarnOfOutage(status);
  Drop(status);
  if (running_) ScheduleAttempt(NextBackoff());
}

// After the 4th, 8th, 16th ... attempt in a row: somebody has to learn of a wrong address or token.
void ControlConnection::WarnOfOutage(const absl::Status& status) {
  ++failed_attempts_;
  const bool power_of_two = (failed_attempts_ & (failed_attempts_ - 1)) == 0;
  if (failed_attempts_ < 4 || !power_of_two) return;
  LogWarning("no leading JobManager reached; tried again",
             {{"attempts", failed_attempts_}, {"address", address_}, {"reason", status.message()}});
}

void ControlConnection::Drop(const absl::Status& status) {
  lifetime_.Reset();
  if (timer_ != 0) executor_.Cancel(std::exchange(timer_, 0));
  stream_.reset();
  if (std::exchange(up_, false)) callbacks_.on_down(status);
}

absl::Duration ControlConnection::NextBackoff() {
  const absl::Duration delay = backoff_;
  backoff_ = std::min(backoff_ * 2, options_.max_backoff);
  return delay;
}

std::string ControlConnection::NextAddress() {
  const std::string& address = options_.addresses[next_address_ % options_.addresses.size()];
  ++next_address_;
  return address;
}

}  // namespace weir

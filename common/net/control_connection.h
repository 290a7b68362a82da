#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/net/message_stream.h"

namespace weir {

struct ControlConnectionOptions {
  std::vector<std::string> addresses;  // not empty
  absl::Duration initial_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Milliseconds(500);
  absl::Duration connect_timeout = absl::Seconds(3);
};

struct ControlConnectionCallbacks {
  std::function<void()> on_up;  // a stream is open; whether it leads to the leader is not known yet
  std::function<void(proto::Envelope)> on_message;
  std::function<void(absl::Status)> on_down;  // the stream is gone; once for each on_up
};

/// Keeps one control stream open to one of several addresses, for as long as it lives. It asks the
/// addresses in turn; who is the leader its owner finds out (registration), and tells it by MoveOn
/// or Confirm.
///
/// Threads: everything on one executor, no locks, nothing blocks; runs in the simulator.
/// Retries: for ever, `initial_backoff` doubling to `max_backoff` between attempts; a leader that
/// was named is tried at once. Confirm starts the backoff over.
/// Lifetime: executor and whatever the factory uses outlive it. A callback may not destroy it.
class ControlConnection {
 public:
  using StreamFactory = std::function<std::unique_ptr<MessageStream>(const std::string& address,
                                                                     MessageStreamCallbacks)>;

  ControlConnection(Executor& executor, ControlConnectionOptions options, StreamFactory factory,
                    ControlConnectionCallbacks callbacks);

  void Start();
  /// Closes the stream, without on_down, and makes no other.
  void Stop();

  bool up() const { return up_; }
  /// Of the current or the last attempt.
  const std::string& address() const { return address_; }

  /// Dropped while down: the control protocol states levels and sends again.
  void Send(proto::Envelope message);

  /// Where we are connected is not the leader, or of no use: closes the stream (on_down is called)
  /// and goes on at `leader_address`, if it is not empty, else at the next address.
  void MoveOn(absl::string_view leader_address, absl::string_view reason);

  /// Where we are connected is the leader.
  void Confirm();

 private:
  void Connect();
  void ScheduleAttempt(absl::Duration delay);
  void HandleBroken(const absl::Status& status);
  // Closes the stream and tells the owner, if it knew of it.
  void Drop(const absl::Status& status);
  void WarnOfOutage(const absl::Status& status);
  absl::Duration NextBackoff();
  std::string NextAddress();

  Executor& executor_;
  const ControlConnectionOptions options_;
  const StreamFactory factory_;
  const ControlConnectionCallbacks callbacks_;
  std::unique_ptr<MessageStream> stream_;
  std::string address_;
  std::string named_leader_;    // to be tried next
  bool followed_name_ = false;  // the current attempt goes to a named leader
  size_t next_address_ = 0;
  absl::Duration backoff_;
  uint64_t failed_attempts_ = 0;  // since Confirm
  bool running_ = false;
  bool up_ = false;
  TimerId timer_ = 0;  // of the next attempt, or of the current one's timeout
  Lifetime lifetime_;  // of the current attempt; last
};

}  // namespace weir
